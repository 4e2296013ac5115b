import type { PipelineRunRequest, StepOutcome } from '../../../contracts/temporal/pipelines.js'
import type { Json } from '../../../domain/canonical-json.js'
import { MlforgeError } from '../../../domain/errors.js'
import { compensatedBy } from '../../../domain/pipelines/compensations.js'
import { inputInvalid } from '../../../domain/pipelines/invalid-input.js'
import type { RetryPolicy } from '../../../domain/runs/retry-policy.js'
import { pipelineRunRequest } from '../../../stores/postgres/pipeline-requests.js'
import type { Ports } from '../../ports.js'
import type { ChildKind } from '../child-steps.js'

/** A pipeline that runs itself would never end. */
const MAX_DEPTH = 8

/** A run of another pipeline. */
export function subpipelineStep(
  { runs, ledger, ...stores }: Pick<Ports, 'runs' | 'ledger' | 'pipelines' | 'datasets' | 'suites'>,
  retries: RetryPolicy,
): ChildKind {
  return {
    async request({ project, runId }, inputs) {
      const name = String(inputs['pipeline'])
      const { depth = 0, code } = (await runs.get(project, runId)).request as PipelineRunRequest
      if (depth >= MAX_DEPTH) {
        throw new MlforgeError(
          'step_input_invalid',
          `Pipeline "${name}" would be ${depth + 1} pipelines deep; at most ${MAX_DEPTH} are run. Does it run itself?`,
        )
      }
      const { definition, request, problems } = await pipelineRunRequest(stores, project, {
        pipeline: name,
        parameters: (inputs['parameters'] ?? {}) as Record<string, unknown>,
        version: inputs['version'] as number | undefined,
      })
      if (request === null) throw inputInvalid(problems)
      const { retry, priority } = definition
      const { codes, maxAttempts, delaySeconds } = retry ?? retries
      return {
        kind: 'pipeline',
        name,
        request: { ...request, depth: depth + 1, ...(code && { code }) },
        retryPolicy: { codes, maxAttempts, delaySeconds },
        ...(priority === undefined ? {} : { priority }),
      }
    },

    async outputs(_, { id }) {
      // In the order of their generations: the newest of a step is the one that holds.
      const steps = (await ledger.steps(id))
        .filter(({ step }) => compensatedBy(step) === null)
        .sort((a, b) => a.generation - b.generation)
      const outputs = steps.map(({ step, outcome }): [string, Json] => {
        const { outputs: own, outputsAt } = outcome as StepOutcome
        return [step, own ?? (outputsAt ? { ...outputsAt } : null)]
      })
      return { run: id, outputs: Object.fromEntries(outputs) }
    },
  }
}
