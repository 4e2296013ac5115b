import type { Problem } from '../errors.js'
import { didYouMean } from '../suggest.js'

interface NumberRule {
  readonly kind: 'number' | 'integer'
  readonly min: number
  readonly max: number
  /** The minimum itself is not allowed. */
  readonly aboveMin?: true
}

interface ChoiceRule {
  readonly kind: 'choice'
  readonly choices: readonly string[]
}

interface ParameterRule {
  readonly accepts: NumberRule | ChoiceRule
  /** Left to XGBoost where there is none: base_score is then estimated from the labels. */
  readonly default?: number | string
  readonly aliases?: readonly string[]
  /** Tree methods that know the parameter; all where nothing is said. */
  readonly methods?: readonly string[]
}

const number = (min: number, max: number): NumberRule => ({ kind: 'number', min, max })
const integer = (min: number, max: number): NumberRule => ({ kind: 'integer', min, max })
const share: NumberRule = { kind: 'number', min: 0, max: 1, aboveMin: true }
const choice = (...choices: string[]): ChoiceRule => ({ kind: 'choice', choices })
/** Largest magnitude that parameters without a natural bound may have. */
const LARGE = 1e9

/** Objectives whose whole way (metrics, gate, export) exists. */
const XGBOOST_OBJECTIVES = ['reg:squarederror'] as const

/**
 * The parameters MLForge accepts, by XGBoost's own names, with XGBoost's defaults made explicit so
 * that they are part of what a model's lineage records (https://xgboost.readthedocs.io/en/release_3.4.0/parameter.html).
 * Two differ: nthread is 1 (small data trains no faster on more) and tree_method says `hist` where
 * XGBoost says `auto`, which means the same.
 */
export const XGBOOST_PARAMETERS = {
  objective: { accepts: choice(...XGBOOST_OBJECTIVES), default: 'reg:squarederror' },
  max_depth: { accepts: integer(1, 30), default: 6 },
  eta: { accepts: share, default: 0.3, aliases: ['learning_rate'] },
  gamma: { accepts: number(0, LARGE), default: 0, aliases: ['min_split_loss'] },
  min_child_weight: { accepts: number(0, LARGE), default: 1 },
  max_delta_step: { accepts: number(0, LARGE), default: 0 },
  subsample: { accepts: share, default: 1 },
  colsample_bytree: { accepts: share, default: 1 },
  colsample_bylevel: { accepts: share, default: 1 },
  colsample_bynode: { accepts: share, default: 1 },
  lambda: { accepts: number(0, LARGE), default: 1, aliases: ['reg_lambda'] },
  alpha: { accepts: number(0, LARGE), default: 0, aliases: ['reg_alpha'] },
  tree_method: { accepts: choice('exact', 'hist', 'approx'), default: 'hist' },
  max_bin: { accepts: integer(2, 65_536), default: 256, methods: ['hist', 'approx'] },
  grow_policy: {
    accepts: choice('depthwise', 'lossguide'),
    default: 'depthwise',
    methods: ['hist', 'approx'],
  },
  max_leaves: { accepts: integer(0, 65_536), default: 0, methods: ['hist', 'approx'] },
  num_parallel_tree: { accepts: integer(1, 1000), default: 1 },
  seed: { accepts: integer(0, 2_147_483_647), default: 0, aliases: ['random_state'] },
  nthread: { accepts: integer(1, 256), default: 1, aliases: ['n_jobs'] },
  base_score: { accepts: number(-LARGE, LARGE) },
} as const satisfies Readonly<Record<string, ParameterRule>>

const RULES: Readonly<Record<string, ParameterRule>> = XGBOOST_PARAMETERS
const OWN_NAMES = new Map(
  Object.entries(RULES).flatMap(([name, rule]) =>
    [name, ...(rule.aliases ?? [])].map(alias => [alias, name] as const),
  ),
)
/** The number of rounds by the names of other interfaces. */
const ROUND_NAMES = ['rounds', 'num_boost_round', 'n_estimators', 'num_round']
const ROUNDS: NumberRule = { kind: 'integer', min: 1, max: 100_000 }

export type XgboostParameters = Readonly<Record<string, number | string>>

export interface ParameterProblem extends Problem {
  readonly code: 'unknown_parameter' | 'parameter_out_of_range' | 'not_resumable'
}

export interface ValidatedParameters {
  /** Every parameter under its first name, defaults included; complete only where there are no problems. */
  readonly parameters: XgboostParameters
  /** All problems, in the order of the input. */
  readonly problems: readonly ParameterProblem[]
}

/**
 * Checks parameters and fills in the defaults. Names of the sklearn interface (`learning_rate`,
 * `reg_lambda`, ...) are turned into XGBoost's own.
 *
 * @param input what somebody wrote: names to values
 * @param options.exactResume a killed training must end with the bytes of an uninterrupted one
 */
export function validateXgboostParameters(
  input: Readonly<Record<string, unknown>>,
  options: { readonly exactResume: boolean },
): ValidatedParameters {
  const problems: ParameterProblem[] = []
  const given = new Map<string, number | string>()
  const method =
    typeof input.tree_method === 'string' ? input.tree_method : XGBOOST_PARAMETERS.tree_method.default
  const writtenAs = new Map<string, string>()

  for (const [written, value] of Object.entries(input)) {
    const at = `parameters.${written}`
    const name = OWN_NAMES.get(written)
    const rule = name === undefined ? undefined : RULES[name]
    if (name === undefined || rule === undefined) {
      problems.push({ at, code: 'unknown_parameter', message: unknownMessage(written) })
      continue
    }
    const twin = writtenAs.get(name)
    writtenAs.set(name, written)
    if (twin !== undefined) {
      const message = `${written} and ${twin} are the same parameter. Give one of them.`
      problems.push({ at, code: 'parameter_out_of_range', message })
    } else if (!accepts(rule.accepts, value)) {
      const message = `${written} is ${show(value)}, it must be ${rangeOf(rule.accepts)}.`
      problems.push({ at, code: 'parameter_out_of_range', message })
    } else if (rule.methods !== undefined && !rule.methods.includes(method)) {
      const message = `${written} has no meaning for tree_method ${method}. Leave it out, or use ${rule.methods.join(' or ')}.`
      problems.push({ at, code: 'parameter_out_of_range', message })
    } else {
      given.set(name, value)
    }
  }
  if (options.exactResume && method === 'approx') {
    problems.push({
      at: 'parameters.tree_method',
      code: 'not_resumable',
      message:
        'tree_method approx does not resume to the same bytes after a crash. Use exact or hist, or turn exact resume off.',
    })
  }
  return { parameters: complete(given, method), problems }
}

/** Checks the number of rounds; undefined where it is fine. */
export function validateRounds(value: unknown, at = 'rounds'): ParameterProblem | undefined {
  if (accepts(ROUNDS, value)) return undefined
  return {
    at,
    code: 'parameter_out_of_range',
    message: `${at} is ${show(value)}, it must be ${rangeOf(ROUNDS)}.`,
  }
}

function complete(given: ReadonlyMap<string, number | string>, method: string): XgboostParameters {
  const parameters: Record<string, number | string> = {}
  for (const [name, rule] of Object.entries(RULES)) {
    const value = given.get(name) ?? rule.default
    const applies = rule.methods === undefined || rule.methods.includes(method)
    if (value !== undefined && applies) parameters[name] = value
  }
  return parameters
}

function unknownMessage(written: string): string {
  if (ROUND_NAMES.includes(written)) {
    return `${written} is not a parameter of the model. Give the number of rounds beside the parameters, as rounds.`
  }
  return `${written} is not a parameter of XGBoost that MLForge knows.${didYouMean(written, [...OWN_NAMES.keys()])}`
}

function accepts(rule: NumberRule | ChoiceRule, value: unknown): value is number | string {
  if (rule.kind === 'choice') return typeof value === 'string' && rule.choices.includes(value)
  if (typeof value !== 'number' || !Number.isFinite(value)) return false
  if (rule.kind === 'integer' && !Number.isInteger(value)) return false
  return value <= rule.max && (rule.aboveMin === true ? value > rule.min : value >= rule.min)
}

function rangeOf(rule: NumberRule | ChoiceRule): string {
  if (rule.kind === 'choice')
    return rule.choices.length === 1 ? rule.choices[0]! : `one of ${rule.choices.join(', ')}`
  const what = rule.kind === 'integer' ? 'a whole number' : 'a number'
  return rule.aboveMin === true
    ? `${what} above ${rule.min} and at most ${rule.max}`
    : `${what} from ${rule.min} to ${rule.max}`
}

function show(value: unknown): string {
  return typeof value === 'string'
    ? `"${value.slice(0, 40)}"`
    : (JSON.stringify(value)?.slice(0, 40) ?? String(value))
}
