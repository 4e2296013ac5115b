import type { PipelineRetrainingPolicy } from '../../domain/retraining/policy.js'
import type { ModelSignature } from '../../domain/models/signature.js'
import { bikeTraining } from './bike-data.js'

const {
  model: _model,
  dataset: _dataset,
  split: _split,
  control: _control,
  ...TEMPLATE
} = bikeTraining({ rounds: 20 })

/** What the version that answers takes: the columns that the training of a bike model reads. */
export const BIKE_SIGNATURE: ModelSignature = {
  features: TEMPLATE.features.map(name => ({ name, type: 'number' })),
  target: TEMPLATE.target,
  output: { name: 'prediction' },
}

/** Trains on the set of a retraining, where its worst parameter lets it. */
export const RETRAIN = {
  parameters: {
    dataset: { type: 'string' },
    model: { type: 'string' },
    from: { type: 'string' },
    until: { type: 'string' },
    worst: { type: 'number', default: 1 },
  },
  steps: {
    data: { uses: 'dataset', with: { dataset: '${{ parameters.dataset }}' } },
    train: {
      uses: 'train',
      cache: false,
      with: {
        model: '${{ parameters.model }}',
        dataset: '${{ steps.data.name }}',
        version: '${{ steps.data.version }}',
        training: {
          ...TEMPLATE,
          split: {
            column: 'dteday',
            train: { until: '${{ parameters.from }}' },
            holdout: { from: '${{ parameters.from }}', until: '${{ parameters.until }}' },
          },
          gate: { maxRmseOfBaseline: '${{ parameters.worst }}', maxRmseOfChampion: 5 },
        },
      },
    },
  },
} as const

/** @param worst RMSE beside the baseline's that the gate of its training lets through */
export function retrainingByPipeline(
  worst = 1,
  more: Partial<PipelineRetrainingPolicy> = {},
): PipelineRetrainingPolicy {
  return {
    dataset: 'bike',
    timeColumn: 'dteday',
    pipeline: {
      name: 'retrain',
      parameters: {
        dataset: '${{ retraining.dataset }}',
        model: '${{ retraining.model }}',
        from: '${{ retraining.holdout.from }}',
        until: '${{ retraining.holdout.until }}',
        worst,
      },
    },
    holdout: 'month',
    strategy: { kind: 'canary' },
    incident: {},
    ...more,
  }
}
