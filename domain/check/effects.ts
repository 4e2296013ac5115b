import { effectKey, type RunKind } from '../names.js'
import type { CheckProblem, LedgerFacts, StackFacts } from './facts.js'

/** An effect that a finished step promises, and how many rows carry its key: 1, or something is wrong. */
export interface EffectCount {
  readonly key: string
  readonly project: string
  readonly kind: RunKind
  readonly name: string
  readonly step: string
  readonly generation: number
  readonly rows: number
}

/** The steps of a run whose outcome is a row that others see. */
const EFFECT_STEPS: Readonly<Record<RunKind, RegExp>> = {
  dataset: /^commit$/,
  push: /^commit$/,
  pull: /^$/,
  collection: /^$/,
  verification: /^$/,
  validation: /^$/,
  fit: /^fit$/,
  training: /^register$/,
  rollout: /^(begin|plan-[1-9]\d*|compensation)$/,
  drift: /^record$/,
  // A version of a dataset for each retraining.
  incident: /^set-[1-9]\d*$/,
  retraining: /^set$/,
  // Whatever they are called, those that register a model or a transformation: `mayHaveNone`.
  pipeline: /./,
  map: /./,
  // What its items leave in our stores they leave through runs of their own.
  backfill: /^$/,
}

/** The step without which a run has not succeeded. */
const LAST_STEP: Readonly<Partial<Record<RunKind, string>>> = {
  dataset: 'commit',
  push: 'commit',
  fit: 'fit',
  training: 'register',
  drift: 'record',
}

/** A row with an effect's key: what it is, for people, and what it says. */
interface EffectRow {
  readonly effectKey: string
  readonly what: string
  readonly says: Readonly<Record<string, unknown>>
}

/**
 * Effects per idempotency key: each finished step has its row once, each row has its step, the two
 * say the same, and each run that ended well has had its effect.
 */
export function checkEffects(facts: StackFacts): { effects: EffectCount[]; problems: CheckProblem[] } {
  const problems: CheckProblem[] = []
  const effects: EffectCount[] = []
  const runs = new Map(facts.runs.map(run => [run.id, run]))
  const rows = new Map<string, EffectRow[]>()
  for (const row of effectRows(facts)) rows.set(row.effectKey, [...(rows.get(row.effectKey) ?? []), row])
  // Traffic that a terminated rollout has left is taken back by reconcile, which is no step of the run.
  const takenBack = facts.runs.filter(run => run.kind === 'rollout').map(takenBackKey)
  const promised = new Set<string>(takenBack)
  const finished = new Set<string>()

  for (const step of facts.ledger) {
    const run = runs.get(step.runId)
    if (run === undefined || !EFFECT_STEPS[run.kind].test(step.step)) continue
    if (step.step === LAST_STEP[run.kind]) finished.add(run.id)
    const key = effectKey(step, step.step)
    promised.add(key)
    const found = rows.get(key) ?? []
    if (found.length === 0 && mayHaveNone(run.kind, step)) continue
    effects.push({
      key,
      project: run.project,
      kind: run.kind,
      name: run.name,
      step: step.step,
      generation: step.generation,
      rows: found.length,
    })
    problems.push(...countProblems(key, found), ...differences(key, step, found))
  }
  for (const [key, found] of rows) {
    if (promised.has(key)) continue
    problems.push({
      code: 'effect_without_step',
      at: key,
      message: `The row of ${found[0]!.what} carries a key of no finished step. It was not written by a run: restore a backup, or delete it.`,
    })
  }
  for (const run of facts.runs) {
    const step = LAST_STEP[run.kind]
    if (step === undefined || run.status !== 'succeeded' || finished.has(run.id)) continue
    problems.push({
      code: 'effect_missing',
      at: run.id,
      message: `The run succeeded, but its step ${step} is not in the ledger. Restore a backup, or start it as a new run.`,
    })
  }
  return { effects, problems }
}

function effectRows(facts: StackFacts): EffectRow[] {
  return [
    ...[...facts.datasetVersions, ...facts.modelVersions, ...facts.transformationVersions].map(row => ({
      effectKey: row.effectKey,
      what: `version ${row.version}`,
      says: row as unknown as EffectRow['says'],
    })),
    ...facts.plans.map(({ effectKey: key, revision }) => ({
      effectKey: key,
      what: `plan ${revision}`,
      says: { revision },
    })),
    ...facts.driftWindows.map(({ effectKey: key, windowId, revision }) => ({
      effectKey: key,
      what: `window ${windowId} revision ${revision}`,
      says: { revision },
    })),
  ]
}

function takenBackKey({ id, generation }: StackFacts['runs'][number]): string {
  return effectKey({ runId: id, generation }, 'taken-back')
}

/** The same content again is the row that is there, and mostly there is no traffic for a rollout to take back. */
function mayHaveNone(kind: RunKind, { step, outcome }: LedgerFacts): boolean {
  const { created, outcome: recorded } = outcome as { created?: boolean; outcome?: string }
  switch (kind) {
    case 'dataset':
    case 'push':
    case 'incident':
    case 'retraining':
    case 'fit':
      return created === false
    case 'drift':
      return recorded === 'unchanged' || recorded === 'stale'
    case 'rollout':
      return step === 'begin'
    case 'training':
      return false
    case 'pipeline':
    case 'map':
      return registered({ outcome }) === undefined || registered({ outcome })?.created === false
    case 'backfill':
    case 'pull':
    case 'collection':
    case 'verification':
    case 'validation':
      return false
  }
}

/** Names of the outputs of steps that make a version, in their order. */
const REGISTERED = ['model,sha256,version', 'columns,created,rows,sha256,table,transformation,version']

/** What a step of a pipeline says that registers a model or a transformation; most leave nothing under a key, or leave it through runs of their own. */
function registered({ outcome }: Pick<LedgerFacts, 'outcome'>): EffectRow['says'] | undefined {
  const { outputs } = (outcome ?? {}) as { outputs?: EffectRow['says'] }
  const names = Object.keys(outputs ?? {})
    .sort()
    .join()
  return REGISTERED.includes(names) ? outputs : undefined
}

function countProblems(key: string, found: readonly EffectRow[]): CheckProblem[] {
  if (found.length === 1) return []
  if (found.length === 0) {
    const message =
      'The step is finished, but no row has its effect. Restore a backup, or redo it as a new run.'
    return [{ code: 'effect_missing', at: key, message }]
  }
  const several = found.map(({ what }) => what).join(', ')
  const message = `${found.length} rows have this one effect: ${several}. Keep the first; report this, it must not happen.`
  return [{ code: 'effect_duplicated', at: key, message }]
}

function differences(key: string, { outcome }: LedgerFacts, found: readonly EffectRow[]): CheckProblem[] {
  const first = found[0]
  if (first === undefined || typeof outcome !== 'object' || outcome === null) return []
  const promised = registered({ outcome }) ?? (outcome as EffectRow['says'])
  const fields = ['version', 'root', 'sha256', 'revision'] as const
  const named = fields.filter(field => promised[field] !== undefined)
  if (found.some(({ says }) => named.every(field => promised[field] === says[field]))) return []
  const [told, is] = [promised, first.says].map(values =>
    named.map(field => `${field} ${String(values[field])}`).join(', '),
  )
  const message = `The ledger says ${told}; the row says ${is}. One was changed by hand: restore a backup.`
  return [{ code: 'effect_differs', at: key, message }]
}
