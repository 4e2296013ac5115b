import type { Json } from '../canonical-json.js'
import type { Strategy } from '../rollouts/strategy.js'
import type { TrainingRequest } from '../training/build-spec.js'
import { inputInvalid } from './invalid-input.js'
import { type Shape, shapeProblems } from './shape.js'

const PERIOD: Shape = { fields: { from: 'text', until: 'text' }, needed: ['until'] }

/** A training without what other inputs say: the model and the dataset. */
const TRAINING: Shape = {
  fields: {
    engine: { oneOf: ['xgboost'] },
    parameters: 'any',
    rounds: 'number',
    checkpointEvery: 'number',
    resume: { oneOf: ['exact', 'any'] },
    features: { list: 'text' },
    target: 'text',
    split: {
      fields: { column: 'text', train: PERIOD, holdout: PERIOD },
      needed: ['column', 'train', 'holdout'],
    },
    baseline: { fields: { by: { list: 'text' } }, needed: ['by'] },
    clip: { fields: { min: 'number', max: 'number' }, needed: [] },
    gate: { fields: { maxRmseOfBaseline: 'number', maxRmseOfChampion: 'number' }, needed: [] },
    control: {
      fields: { permuteTarget: { fields: { seed: 'number' }, needed: ['seed'] } },
      needed: ['permuteTarget'],
    },
  },
  needed: ['features', 'target', 'split'],
}

const ROLES: Shape = { list: 'text' }
const EVIDENCE = { percent: 'number', minRows: 'number', deadlineSeconds: 'number' } as const
const GATES: Shape = { fields: { error: 'any', rank: 'any' }, needed: [] }

const STRATEGIES: Readonly<Record<string, Shape>> = {
  canary: {
    fields: {
      kind: 'text',
      stops: { list: { fields: EVIDENCE, needed: ['percent', 'minRows'] } },
      mirrorPercent: 'number',
      gates: GATES,
      approve: ROLES,
    },
    needed: [],
  },
  blueGreen: {
    fields: {
      kind: 'text',
      mirror: { fields: EVIDENCE, needed: ['percent', 'minRows'] },
      observeSeconds: 'number',
      gates: GATES,
      approve: ROLES,
    },
    needed: [],
  },
  shadow: { fields: { kind: 'text', ...EVIDENCE, gates: GATES }, needed: ['percent', 'minRows'] },
  instant: { fields: { kind: 'text' }, needed: [] },
}

/**
 * The training that a step asks for.
 * @throws MlforgeError step_input_invalid, with all that has another form than POST /v1/trainings has
 */
export function trainingOf(
  model: string,
  dataset: TrainingRequest['dataset'],
  training: Json,
): TrainingRequest {
  assertShape(training, TRAINING, 'training')
  return { ...(training as unknown as Omit<TrainingRequest, 'model' | 'dataset'>), model, dataset }
}

/**
 * The strategy that a step asks for; a canary with defaults where it asks for none.
 * @throws MlforgeError step_input_invalid, with all that has another form than a rollout's strategy has
 */
export function strategyOfStep(strategy: Json): Strategy {
  if (strategy === null) return { kind: 'canary' }
  const { kind = null } = (typeof strategy === 'object' ? strategy : {}) as { kind?: Json }
  assertShape(kind, { oneOf: Object.keys(STRATEGIES) }, 'strategy.kind')
  assertShape(strategy, STRATEGIES[kind as string]!, 'strategy')
  if (kind === 'instant') return { kind, cause: 'force' }
  const { mirrorPercent: mirror, ...rest } = strategy as { mirrorPercent?: number }
  return { ...rest, ...(mirror === undefined ? {} : { mirror }) } as Strategy
}

function assertShape(value: Json, shape: Shape, at: string): void {
  const problems = shapeProblems(value, shape, at)
  if (problems.length > 0) throw inputInvalid(problems)
}
