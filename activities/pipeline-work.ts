import type { PipelineRunRequest } from '../contracts/temporal/pipelines.js'
import { MlforgeError } from '../domain/errors.js'
import type { PipelineDefinition } from '../domain/pipelines/definition.js'
import type { RetryPolicy } from '../domain/runs/retry-policy.js'
import { pipelineRunRequest, type WantedRun } from '../stores/postgres/pipeline-requests.js'
import { turnIn } from '../stores/postgres/pool-turn.js'
import type { AcceptRun } from '../stores/postgres/run-acceptance.js'
import type { Ports } from './ports.js'

export type PipelineWorkPorts = Pick<Ports, 'pipelines' | 'datasets' | 'suites'> & {
  readonly retryPolicy: RetryPolicy
}

/** What a run of a pipeline is taken on with that nobody asks for by hand. */
export interface PipelineWork {
  readonly definition: PipelineDefinition
  readonly work: Pick<AcceptRun, 'retryPolicy'> & {
    readonly kind: 'pipeline'
    readonly name: string
    readonly request: PipelineRunRequest
    readonly priority: number | null
  }
}

/**
 * Of the newest version, as it is now.
 * @throws MlforgeError invalid_request for parameters that do not fit any more, not_found
 */
export async function pipelineWork(
  ports: PipelineWorkPorts,
  project: string,
  wanted: WantedRun,
): Promise<PipelineWork> {
  const { definition, request, problems } = await pipelineRunRequest(ports, project, wanted)
  if (request === null) {
    const all = problems.map(({ at, message }) => `${at}: ${message}`).join(' ')
    throw new MlforgeError('invalid_request', all, { problems })
  }
  const { codes, maxAttempts, delaySeconds } = definition.retry ?? ports.retryPolicy
  const work = {
    kind: 'pipeline' as const,
    name: wanted.pipeline,
    request,
    retryPolicy: { codes, maxAttempts, delaySeconds },
    priority: definition.priority ?? null,
  }
  return { definition, work }
}

/** Taken on also where the pipeline is full: the run waits for its turn. */
export function waitsItsTurn(definition: PipelineDefinition): NonNullable<AcceptRun['alongside']> {
  return async (transaction, run) => void (await turnIn(transaction, run, definition, false))
}
