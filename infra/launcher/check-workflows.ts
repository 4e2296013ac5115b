import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client'
import type { Config } from '../../config/config.js'
import { WORKFLOWS } from '../../contracts/temporal/messages.js'
import type { RunKind } from '../../domain/names.js'

/** Types of workflows that have a run row each; our schedules' ticks have none. */
const RUN_TYPES = Object.values({
  dataset: WORKFLOWS.dataset,
  push: WORKFLOWS.push,
  pull: WORKFLOWS.pull,
  collection: WORKFLOWS.collection,
  verification: WORKFLOWS.verification,
  validation: WORKFLOWS.validation,
  training: WORKFLOWS.training,
  fit: WORKFLOWS.fit,
  rollout: WORKFLOWS.rollout,
  drift: WORKFLOWS.drift,
  incident: WORKFLOWS.incident,
  retraining: WORKFLOWS.retraining,
  pipeline: WORKFLOWS.pipeline,
  map: WORKFLOWS.map,
  backfill: WORKFLOWS.backfill,
} satisfies Record<RunKind, string>)

const DEADLINE_MS = 15_000
const AT_ONCE = 16

/** Temporal as a check asks it: each call has a deadline. */
export class Workflows {
  private constructor(
    private readonly connection: Connection,
    private readonly client: Client,
  ) {}

  static async connect(config: Config['temporal']): Promise<Workflows> {
    const { address, tls, namespace } = config
    const connection = await Connection.connect({ address, tls, connectTimeout: DEADLINE_MS })
    return new Workflows(connection, new Client({ connection, namespace }))
  }

  /** Status of the latest execution of each workflow id; null where there is none. */
  async statuses(workflowIds: readonly string[]): Promise<Map<string, string | null>> {
    const found = new Map<string, string | null>()
    const left = [...workflowIds]
    const next = async () => {
      for (let id = left.pop(); id !== undefined; id = left.pop()) found.set(id, await this.status(id))
    }
    await Promise.all(Array.from({ length: AT_ONCE }, next))
    return found
  }

  /** Ids of open workflows that belong to runs. The list may lag by a moment: each is looked at again. */
  async open(): Promise<string[]> {
    const types = RUN_TYPES.map(type => `'${type}'`).join(', ')
    const query = `ExecutionStatus = 'Running' AND WorkflowType IN (${types})`
    const ids: string[] = []
    await this.bounded(async () => {
      for await (const { workflowId } of this.client.workflow.list({ query })) ids.push(workflowId)
    })
    const statuses = await this.statuses(ids)
    return ids.filter(id => statuses.get(id) === 'RUNNING')
  }

  close(): Promise<void> {
    return this.connection.close()
  }

  private async status(workflowId: string): Promise<string | null> {
    try {
      const handle = this.client.workflow.getHandle(workflowId)
      return (await this.bounded(() => handle.describe())).status.name
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null
      throw error
    }
  }

  private bounded<T>(call: () => Promise<T>): Promise<T> {
    return this.client.withDeadline(Date.now() + DEADLINE_MS, call)
  }
}
