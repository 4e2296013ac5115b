import type { Json } from '../canonical-json.js'
import type { Strategy } from '../rollouts/strategy.js'
import type { TrainingRequest } from '../training/build-spec.js'
import {
  any,
  type FieldCheck,
  isObject,
  listOf,
  nullable,
  number,
  object,
  objectOf,
  oneOf,
  text,
} from './fields.js'
import { inputInvalid } from './invalid-input.js'
import { located } from './problems.js'

/** A training without what other inputs say: the model and the dataset, as POST /v1/trainings has it. */
export const training: FieldCheck = objectOf(
  {
    engine: oneOf(['xgboost']),
    parameters: any,
    rounds: number,
    checkpointEvery: number,
    resume: oneOf(['exact', 'any']),
    features: listOf(text),
    target: text,
    split: objectOf({
      column: text,
      train: objectOf({ from: text, until: text }, ['from']),
      holdout: objectOf({ from: text, until: text }),
    }),
    baseline: objectOf({ by: listOf(text) }),
    transformation: objectOf({ name: text, version: number }),
    clip: objectOf({ min: number, max: number }, ['min', 'max']),
    gate: objectOf({ maxRmseOfBaseline: number, maxRmseOfChampion: number }, [
      'maxRmseOfBaseline',
      'maxRmseOfChampion',
    ]),
    control: objectOf({ permuteTarget: objectOf({ seed: number }) }),
  },
  [
    'engine',
    'parameters',
    'rounds',
    'checkpointEvery',
    'resume',
    'baseline',
    'transformation',
    'clip',
    'gate',
    'control',
  ],
)

const EVIDENCE = { percent: number, minRows: number, deadlineSeconds: number }
const evidence = objectOf(EVIDENCE, ['deadlineSeconds'])
const SHARED = { gates: objectOf({ error: any, rank: any }, ['error', 'rank']), approve: listOf(text) }

/** Fields by the kinds of strategies; all are optional but those that are needed. */
const STRATEGIES: Readonly<Record<string, Readonly<Record<string, FieldCheck>>>> = {
  canary: { stops: listOf(evidence), mirrorPercent: number, ...SHARED },
  // Null waits for the verb promote.
  blueGreen: { mirror: evidence, observeSeconds: nullable(number), ...SHARED },
  shadow: { ...EVIDENCE, gates: SHARED.gates },
  instant: {},
}
const NEEDED: Readonly<Record<string, readonly string[]>> = { shadow: ['percent', 'minRows'] }

/** The strategy of a rollout, as POST /v1/deployments/{name}/rollouts has it. */
export const strategy: FieldCheck = (value, path, isOpen) => {
  const kind = (isObject(value) ? value['kind'] : null) ?? null
  if (isOpen(kind)) return []
  const ofKind = oneOf(Object.keys(STRATEGIES))(kind, [...path, 'kind'], isOpen)
  if (ofKind.length > 0) return ofKind
  const fields = STRATEGIES[kind as string]!
  const needed = NEEDED[kind as string] ?? []
  const optional = Object.keys(fields).filter(name => !needed.includes(name))
  return object(value, path, { kind: any, ...fields }, optional, isOpen)
}

/**
 * The training that a step asks for.
 * @throws MlforgeError step_input_invalid, with all that has another form than POST /v1/trainings has
 */
export function trainingOf(model: string, dataset: TrainingRequest['dataset'], given: Json): TrainingRequest {
  assertFits(given, training, 'training')
  return { ...(given as unknown as Omit<TrainingRequest, 'model' | 'dataset'>), model, dataset }
}

/**
 * The strategy that a step asks for; a canary with defaults where it asks for none.
 * @throws MlforgeError step_input_invalid, with all that has another form than a rollout's strategy has
 */
export function strategyOfStep(given: Json): Strategy {
  if (given === null) return { kind: 'canary' }
  assertFits(given, strategy, 'strategy')
  const { mirrorPercent: mirror, ...rest } = given as { kind: string; mirrorPercent?: number }
  if (rest.kind === 'instant') return { kind: rest.kind, cause: 'force' }
  return { ...rest, ...(mirror === undefined ? {} : { mirror }) } as Strategy
}

function assertFits(value: Json, check: FieldCheck, at: string): void {
  const problems = check(value, [at], () => false)
  if (problems.length > 0) throw inputInvalid(problems.map(located))
}
