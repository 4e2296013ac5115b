import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { Client } from '@temporalio/client'
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker'
import pg from 'pg'
import { writeActivities } from './activities.js'

const QUEUE = 'bench-workflows'

/** Workflows of nothing but Temporal, on the server and the Postgres of the stack, with a worker of their own. */
export interface Peer {
  readonly client: Client
  readonly pool: pg.Pool
  /** @returns milliseconds that an empty workflow takes */
  noop(): Promise<number>
  /** @returns milliseconds that a workflow takes of so many activities, each of which writes one row */
  writes(steps: number, parallel?: number): Promise<number>
}

/** Measures with a peer that is there as long as that takes. */
export async function withPeer(
  { temporalAddress, postgresUrl }: { readonly temporalAddress: string; readonly postgresUrl: string },
  measure: (peer: Peer) => Promise<void>,
): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('ERROR') })
  const pool = new pg.Pool({ connectionString: postgresUrl })
  // Of connections that nobody uses: the stack is killed and comes back.
  pool.on('error', () => undefined)
  await pool.query('CREATE TABLE bench_writes (id bigserial PRIMARY KEY, step integer NOT NULL)')
  const connection = await NativeConnection.connect({ address: temporalAddress })
  const client = new Client({ connection })
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('workflows.js', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  })
  const workflows = await Worker.create({ connection, taskQueue: QUEUE, workflowBundle })
  const io = await Worker.create({ connection, taskQueue: 'bench-io', activities: writeActivities(pool) })
  const execute = (type: string, ...args: unknown[]) =>
    timed(() =>
      client.workflow.execute(type, { taskQueue: QUEUE, workflowId: `bench/${randomUUID()}`, args }),
    )
  const peer: Peer = {
    client,
    pool,
    noop: () => execute('noop'),
    writes: (steps, parallel = 1) => execute('writes', { steps, parallel }),
  }
  try {
    await workflows.runUntil(io.runUntil(measure(peer)))
  } finally {
    await connection.close()
    await pool.end()
  }
}

/** Milliseconds that work takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/** Does something so many times, some of them at the same time. */
export async function atOnce(times: number, lanes: number, work: () => Promise<unknown>): Promise<void> {
  let left = times
  const lane = async () => {
    while (left-- > 0) await work()
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}
