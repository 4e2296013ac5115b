import { effectKey, type RunKind } from '../names.js'
import type {
  CheckProblem,
  DatasetVersionFacts,
  LedgerFacts,
  ModelVersionFacts,
  StackFacts,
} from './facts.js'

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

/** The step of each kind of run whose outcome is a row that others see. */
const EFFECT_STEP = { dataset: 'commit', training: 'register' } as const satisfies Record<RunKind, string>

type Version = DatasetVersionFacts | ModelVersionFacts

/**
 * Effects per idempotency key: each finished step has its row once, each row has its step, the two
 * say the same, and each run that ended well has had its effect.
 */
export function checkEffects(facts: StackFacts): { effects: EffectCount[]; problems: CheckProblem[] } {
  const problems: CheckProblem[] = []
  const effects: EffectCount[] = []
  const runs = new Map(facts.runs.map(run => [run.id, run]))
  const rows = new Map<string, Version[]>()
  for (const version of [...facts.datasetVersions, ...facts.modelVersions]) {
    rows.set(version.effectKey, [...(rows.get(version.effectKey) ?? []), version])
  }
  const promised = new Set<string>()
  const finished = new Set<string>()

  for (const step of facts.ledger) {
    const run = runs.get(step.runId)
    if (run === undefined || EFFECT_STEP[run.kind] !== step.step) continue
    finished.add(run.id)
    const key = effectKey(step, step.step)
    promised.add(key)
    const found = rows.get(key) ?? []
    // The same content again is the version that is there: such a step has no row of its own.
    const isRepetition = run.kind === 'dataset' && (step.outcome as { created?: boolean }).created === false
    if (isRepetition && found.length === 0) continue
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
      message: `Version ${found[0]!.version} carries a key of no finished step. It was not written by a run: restore a backup, or delete it.`,
    })
  }
  for (const run of facts.runs) {
    if (run.status !== 'succeeded' || finished.has(run.id)) continue
    problems.push({
      code: 'effect_missing',
      at: run.id,
      message: `The run succeeded, but its step ${EFFECT_STEP[run.kind]} is not in the ledger. Restore a backup, or start it as a new run.`,
    })
  }
  return { effects, problems }
}

function countProblems(key: string, found: readonly Version[]): CheckProblem[] {
  if (found.length === 1) return []
  if (found.length === 0) {
    const message =
      'The step is finished, but no row has its effect. Restore a backup, or redo it as a new run.'
    return [{ code: 'effect_missing', at: key, message }]
  }
  const versions = found.map(({ version }) => version).join(', ')
  const message = `${found.length} rows have this one effect: versions ${versions}. Keep the first; report this, it must not happen.`
  return [{ code: 'effect_duplicated', at: key, message }]
}

function differences(key: string, { outcome }: LedgerFacts, found: readonly Version[]): CheckProblem[] {
  const first = found[0]
  if (first === undefined || typeof outcome !== 'object' || outcome === null) return []
  const promised = outcome as Record<string, unknown>
  const named = (['version', 'root', 'sha256'] as const).filter(field => promised[field] !== undefined)
  if (
    found.some(row => named.every(field => promised[field] === (row as unknown as typeof promised)[field]))
  ) {
    return []
  }
  const [told, is] = [promised, first as unknown as typeof promised].map(values =>
    named.map(field => `${field} ${String(values[field])}`).join(', '),
  )
  const message = `The ledger says ${told}; the row says ${is}. One was changed by hand: restore a backup.`
  return [{ code: 'effect_differs', at: key, message }]
}
