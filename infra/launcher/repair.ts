import { Client, Connection, WorkflowIdConflictPolicy } from '@temporalio/client'
import type { Config } from '../../config/config.js'
import { WORKFLOWS } from '../../contracts/temporal/messages.js'
import { QUEUES } from '../../contracts/temporal/queues.js'
import { MlforgeError } from '../../domain/errors.js'

const CONNECT_MS = 5_000
const DEADLINE_MS = 180_000
/** Sooner than by itself, but not so soon that what is just beginning is taken for lost. */
const UNTOUCHED_SECONDS = 10

/** What `reconcile` answers. */
interface Reconciled {
  readonly looked: number
  readonly closed: readonly string[]
  readonly lost: readonly string[]
  readonly archived: number
}

/**
 * Does now what `reconcile` does each minute, until it finds nothing more: rows of runs are closed as Temporal
 * says, with what they leave to be done, and histories are archived.
 * @throws MlforgeError unavailable where Temporal, or a worker, does not answer
 */
export async function repairStack({
  project,
  temporal,
}: Pick<Config, 'project' | 'temporal'>): Promise<Reconciled> {
  const { address, tls, namespace } = temporal
  const connection = await Connection.connect({ address, tls, connectTimeout: CONNECT_MS })
  try {
    const client = new Client({ connection, namespace })
    let all: Reconciled = { looked: 0, closed: [], lost: [], archived: 0 }
    for (const end = Date.now() + DEADLINE_MS; ;) {
      const { looked, closed, lost, archived } = await reconcileOnce(client, project, end - Date.now())
      all = {
        looked: all.looked + looked,
        closed: [...all.closed, ...closed],
        lost: [...all.lost, ...lost],
        archived: all.archived + archived,
      }
      if (closed.length + lost.length + archived === 0) return all
    }
  } finally {
    await connection.close()
  }
}

async function reconcileOnce(client: Client, project: string, leftMs: number): Promise<Reconciled> {
  const handle = await client.workflow.start(WORKFLOWS.reconcile, {
    workflowId: `${project}/system/repair`,
    taskQueue: QUEUES.workflows,
    args: [{ project, untouched: UNTOUCHED_SECONDS }],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    workflowExecutionTimeout: Math.max(1_000, leftMs),
    staticSummary: 'Repair: close run rows that nobody else will, archive histories',
  })
  try {
    return (await handle.result()) as Reconciled
  } catch (error) {
    throw new MlforgeError(
      'unavailable',
      `It has not come to an end within ${DEADLINE_MS / 1000} s (${String(error)}). Do workers run? See mlforge status.`,
    )
  }
}
