import type { PipelineRun } from '../../contracts/rest/pipeline-runs.js'
import type { Stack } from '../stack.js'
import type { Peer } from './peer.js'

/** A step that does as little as a step can. */
const COMPARE = { uses: 'compare', with: { candidate: 1, reference: 1 } }

export interface Shape {
  readonly steps: number
  readonly parallel: number
  /** One after the other; else they need nothing. */
  readonly chained?: boolean
}

/** Pipelines of compare steps on a stack. */
export class Runs {
  constructor(
    private readonly stack: Stack,
    private readonly peer: Peer,
  ) {}

  /** Applies a pipeline of a shape. @returns its name */
  async apply({ steps, parallel, chained = false }: Shape): Promise<string> {
    const name = `${chained ? 'chain' : 'wide'}-${steps}-${parallel}`
    const definition = {
      parallel,
      steps: Object.fromEntries(
        Array.from({ length: steps }, (_, at) => [
          `s${at}`,
          { ...COMPARE, ...(chained && at > 0 ? { needs: `s${at - 1}` } : {}) },
        ]),
      ),
    }
    await this.stack.rest.post('/v1/pipelines', { pipelines: { [name]: definition } })
    return name
  }

  start(name: string): Promise<PipelineRun> {
    return this.stack.rest.post<PipelineRun>(`/v1/pipelines/${name}/runs`)
  }

  /** From the request until the workflow has ended. */
  async run(name: string): Promise<{ readonly ms: number; readonly workflowId: string }> {
    const started = performance.now()
    const { workflow } = await this.start(name)
    await this.peer.client.workflow.getHandle(workflow.workflowId).result()
    return { ms: performance.now() - started, workflowId: workflow.workflowId }
  }

  /** Steps of a run that are in the ledger; undefined while Postgres does not answer. */
  async finished(runId: string): Promise<number | undefined> {
    try {
      const { rows } = await this.peer.pool.query<{ steps: number }>(
        'SELECT count(*)::int AS steps FROM ledger_steps WHERE run_id = $1',
        [runId],
      )
      return rows[0]!.steps
    } catch {
      return undefined
    }
  }
}
