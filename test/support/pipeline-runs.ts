import { answerStep } from '../../contracts/temporal/pipelines.js'
import type { Json } from '../../domain/canonical-json.js'
import { compilePipeline } from '../../domain/pipelines/compile.js'
import type { PipelineStep } from '../../stores/postgres/entities/pipeline.js'
import { PoolClaim } from '../../stores/postgres/entities/pool.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { pipelineRunRequest } from '../../stores/postgres/pipeline-requests.js'
import type { QueuedClaim } from '../../stores/postgres/pool-store.js'
import { turnIn } from '../../stores/postgres/pool-turn.js'
import { eventually } from './eventually.js'
import { type Harness, PROJECT } from './harness.js'

export interface StartOptions {
  readonly parameters?: Record<string, Json>
  readonly priority?: number
  readonly project?: string
}

/** A step that works until it is released. */
export const held = (more: object = {}) => ({ uses: 'wait', with: { event: true }, ...more })

/** A step that does something and ends. */
export const brief = (more: object = {}) => ({
  uses: 'compare',
  with: { candidate: 1, reference: 2 },
  cache: false,
  ...more,
})

/** Runs of pipelines on a harness, taken on as the api does. */
export class PipelineRuns {
  constructor(private readonly harness: Harness) {}

  async apply(name: string, source: object, project = PROJECT): Promise<void> {
    const { definition, problems } = compilePipeline(source, name)
    if (problems.length > 0) throw new Error(JSON.stringify(problems))
    await this.harness.ports.pipelines.apply(project, 'key:test', [definition!])
  }

  async begin(
    name: string,
    { parameters = {}, priority, project = PROJECT }: StartOptions = {},
  ): Promise<Run> {
    const { definition, request } = await pipelineRunRequest(this.harness.ports, project, {
      pipeline: name,
      parameters,
    })
    return this.harness.accept('pipeline', name, request, {
      project,
      priority: priority ?? definition.priority ?? null,
      alongside: async (transaction, run) => {
        await turnIn(transaction, run, definition, definition.concurrency?.whenFull === 'refuse')
      },
    })
  }

  async start(name: string, source: object, options: StartOptions = {}): Promise<Run> {
    await this.apply(name, source, options.project)
    return this.begin(name, options)
  }

  async step(run: Run, name: string): Promise<PipelineStep | undefined> {
    const rows = await this.harness.ports.pipelineRuns.steps(run.id)
    return rows.filter(({ step }) => step === name).sort((a, b) => b.generation - a.generation)[0]
  }

  /** What a step, or the run itself, has claimed. */
  async claim(run: Run, step = ''): Promise<PoolClaim | null> {
    return this.harness.database.dataSource.getRepository(PoolClaim).findOneBy({ runId: run.id, step })
  }

  /** Once the step works. */
  async works(run: Run, name: string): Promise<PipelineStep> {
    return eventually(async () => {
      const row = await this.step(run, name)
      if (row?.state !== 'running')
        throw new Error(`step ${name} of ${run.id} is ${row?.state ?? 'not begun'}`)
      return row
    })
  }

  /** Once a step waits, or the run itself with no step, at a place of its queue. */
  async waits(run: Run, position: number, step = 'work'): Promise<QueuedClaim> {
    return eventually(async () => {
      const queued = await this.harness.ports.pools.queuedOf(run.id)
      const claim = queued.find(each => each.step === step && each.position === position)
      if (!claim) throw new Error(`not so, but: ${JSON.stringify(queued)}`)
      return claim
    })
  }

  /** Lets a held step end. */
  async release(run: Run, step: string): Promise<void> {
    const answer = { kind: 'release', by: 'key:test', payload: null } as const
    await eventually(() =>
      this.harness.client.workflow
        .getHandle(run.workflowId)
        .executeUpdate(answerStep, { args: [{ runId: run.id, step, role: 'admin', answer }] }),
    )
  }
}
