import type { DriftColumn, NoReference } from '../domain/drift/columns.js'
import { referenceRows } from '../domain/drift/references.js'
import {
  dominantVersion,
  type ReferenceFacts,
  type WindowFacts,
  type WindowValues,
} from '../domain/drift/window-report.js'
import { previousWindow, type TimeRange, type WindowSpec } from '../domain/drift/windows.js'
import type { ModelSignature } from '../domain/models/signature.js'
import type { WindowRows } from '../stores/duckdb/predictions-window.js'
import { withTrainingRows } from '../stores/duckdb/training-rows.js'
import { reads } from '../stores/lineage-scope.js'
import type { Ports } from './ports.js'
import { scoreRows } from './score-rows.js'

export interface ReferenceQuestion {
  readonly project: string
  readonly facts: WindowFacts
  readonly versions: WindowValues['versions']
  /** Rows of other windows, back to where a trailing reference begins (`firstNeeded`). */
  readonly windowOf: (range: TimeRange) => WindowRows
}

interface Work {
  readonly directory: string
  readonly signal: AbortSignal
}

/** The rows that a window is compared with. */
export interface ReferenceRows {
  readonly facts: ReferenceFacts
  /** One column, in any order; null where the rows have no such column. */
  column(column: DriftColumn): Promise<ArrayLike<number> | NoReference | null>
}

/** Where the event times begin that a window and its reference are made of. */
export function firstNeeded({ policy, window }: Pick<WindowFacts, 'policy' | 'window'>): number {
  const { reference } = policy
  return reference.kind === 'trailing'
    ? trailingStart(policy.window, window, reference.windows)
    : window.start
}

/**
 * Reads the rows that a window is compared with. Training rows are those of the version that answered most
 * of the window, whatever serves now: an old window that is looked at again is compared with the same rows.
 */
export async function withReference<T>(
  ports: Pick<Ports, 'models' | 'objects'>,
  question: ReferenceQuestion,
  at: Work,
  work: (reference: ReferenceRows) => Promise<T>,
): Promise<T> {
  const { reference: of } = question.facts.policy
  if (of.kind === 'trailing') return work(await trailing(question))
  const version = of.kind === 'version' ? of.version : dominantVersion(question.versions)
  if (version === null) return work(none(of, 'nobody has answered in the window'))
  return withTraining(ports, question, version, at, work)
}

function none(of: ReferenceFacts['of'], absent: string): ReferenceRows {
  return { facts: { of, absent }, column: async () => ({ absent }) }
}

async function trailing({ facts, windowOf }: ReferenceQuestion): Promise<ReferenceRows> {
  const { policy, window } = facts
  const { reference: of } = policy
  const before = windowOf({ start: firstNeeded(facts), end: window.start })
  const coverage = { training: [], predictions: await before.days() }
  const rows = referenceRows(of, policy.window, window, coverage)
  if (rows.status === 'not_assessed') return none(of, rows.reason)
  return {
    facts: { of, version: null, ranges: rows.ranges, rows: await before.count() },
    column: column => before.column(column),
  }
}

async function withTraining<T>(
  { models, objects }: Pick<Ports, 'models' | 'objects'>,
  { project, facts }: ReferenceQuestion,
  number: number,
  { directory, signal }: Work,
  work: (reference: ReferenceRows) => Promise<T>,
): Promise<T> {
  const { policy, window, model } = facts
  const { reference: of } = policy
  const version = await models.version(project, model, number)
  reads({ kind: 'model', name: model, version: number })
  const timeColumn = (version.lineage as { split?: { column?: string } } | null)?.split?.column
  const { 'train.parquet': table } = version.artifacts
  if (!table || timeColumn === undefined) {
    return work(none(of, `version ${number} has no training rows`))
  }
  const question = { file: await objects.toFile(table.uri, directory), timeColumn }
  return withTrainingRows(question, { temporaryDirectory: directory, signal }, async trained => {
    const coverage = { training: await trained.days(), predictions: [] }
    const rows = referenceRows(of, policy.window, window, coverage)
    if (rows.status === 'not_assessed') return work(none(of, rows.reason))
    const { ranges } = rows
    const { features, target } = version.signature as ModelSignature
    const names = features.map(({ name }) => name)
    return work({
      facts: { of, version: number, ranges, rows: await trained.count(ranges) },
      column: async ({ role, name }) => {
        if (role === 'label') return trained.column(target, ranges)
        if (role === 'prediction') {
          return scoreRows(objects, version, trained.batches(names, ranges), directory)
        }
        return names.includes(name) ? trained.column(name, ranges) : null
      },
    })
  })
}

function trailingStart(spec: WindowSpec, window: TimeRange, windows: number): number {
  let first = window
  for (let back = 0; back < windows; back++) first = previousWindow(spec, first)
  return first.start
}
