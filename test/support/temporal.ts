import { randomBytes } from 'node:crypto'
import { Client, Connection } from '@temporalio/client'
import { NativeConnection } from '@temporalio/worker'

export interface TestTemporal {
  readonly address: string
  readonly client: Client
  /** For workers. */
  readonly native: NativeConnection
  /** A task queue or project that no other test has. */
  unique(what: string): string
  close(): Promise<void>
}

/** Connections to the real server that all tests share; names keep them apart. */
export async function testTemporal(): Promise<TestTemporal> {
  const address = process.env['TEST_TEMPORAL_ADDRESS']!
  const connection = await Connection.connect({ address })
  const native = await NativeConnection.connect({ address })
  return {
    address,
    client: new Client({ connection }),
    native,
    unique: what => `${what}-${randomBytes(6).toString('hex')}`,
    async close() {
      await connection.close()
      await native.close()
    },
  }
}
