import { trainingOf } from '../../../domain/pipelines/requests.js'
import type { RetryPolicy } from '../../../domain/runs/retry-policy.js'
import { buildTrainingSpec, type DatasetFacts } from '../../../domain/training/build-spec.js'
import type { EvaluateOutcome, TrainModelResult } from '../../../contracts/temporal/messages.js'
import type { PipelineRunRequest } from '../../../contracts/temporal/pipelines.js'
import type { Json } from '../../../domain/canonical-json.js'
import type { Ports } from '../../ports.js'
import type { ChildKind } from '../child-steps.js'

/** A training, on a dataset version that an earlier step has fixed. */
export function trainStep(
  { runs, datasets, ledger }: Pick<Ports, 'runs' | 'datasets' | 'ledger'>,
  { codes, maxAttempts, delaySeconds }: RetryPolicy,
): ChildKind {
  return {
    async request({ project, runId }, inputs) {
      const [model, name, version] = [
        String(inputs['model']),
        String(inputs['dataset']),
        Number(inputs['version']),
      ]
      const training = trainingOf(model, { name, version }, inputs['training']!)
      const row = await datasets.table(project, name, version)
      const { code } = (await runs.get(project, runId)).request as PipelineRunRequest
      return {
        kind: 'training',
        name: model,
        request: buildTrainingSpec({ ...training, ...(code && { code }) }, { ...row, name } as DatasetFacts),
        retryPolicy: { codes, maxAttempts, delaySeconds },
      }
    },

    async outputs(_, { id, name, result, generation }) {
      const { version, sha256 } = result as TrainModelResult
      const evaluated = await ledger.outcome<EvaluateOutcome>({
        runId: id,
        step: 'evaluate',
        generation,
        attempt: 1,
      })
      const metrics = (evaluated?.metrics ?? null) as unknown as Json
      return { run: id, model: name, version: version ?? null, sha256: sha256 ?? null, metrics }
    },
  }
}
