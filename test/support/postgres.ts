import 'reflect-metadata'
import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import type { DataSource } from 'typeorm'
import { connectPostgres } from '../../stores/postgres/data-source.js'
import { eventually } from './eventually.js'
import { sql, TEMPLATE, withDatabase } from './servers.js'

/** SQLSTATE object_in_use. */
const IN_USE = '55006'

export interface TestDatabase {
  readonly url: string
  readonly dataSource: DataSource
  drop(): Promise<void>
}

/** A migrated database of its own, on the real server. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = process.env['TEST_POSTGRES_URL']!
  const name = `test_${randomBytes(6).toString('hex')}`
  await unused(() => sql(server, `CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`))
  const url = withDatabase(server, name)
  const dataSource = await connectPostgres(url, 10)
  return {
    url,
    dataSource,
    async drop() {
      await dataSource.destroy()
      await unused(() => sql(server, `DROP DATABASE ${name} WITH (FORCE)`))
    },
  }
}

/** The server itself may look at a database for longer than it waits for others to leave it (autovacuum). */
async function unused(work: () => Promise<void>): Promise<void> {
  const problem = await eventually(() =>
    work().catch((error: pg.DatabaseError) => {
      if (error.code === IN_USE) throw error
      return error
    }),
  )
  if (problem) throw problem
}
