import { referenceRows } from '../domain/drift/references.js'
import { dominantVersion, type ReferenceValues, type WindowValues } from '../domain/drift/window-report.js'
import type { WindowFacts } from '../domain/drift/window-report.js'
import { previousWindow, type TimeRange, type WindowSpec } from '../domain/drift/windows.js'
import type { ModelSignature } from '../domain/models/signature.js'
import type { PredictionSource } from '../stores/duckdb/predictions.js'
import { answeredDays, loggedFeatures } from '../stores/duckdb/predictions-contents.js'
import { windowRows } from '../stores/duckdb/predictions-window.js'
import { trainingColumns, trainingDays } from '../stores/duckdb/training-rows.js'
import type { Ports } from './ports.js'
import { scoreRows } from './score-rows.js'

export interface ReferenceQuestion {
  readonly project: string
  readonly facts: WindowFacts
  readonly versions: WindowValues['versions']
  /** Predictions back to where a trailing reference begins (`firstNeeded`). */
  readonly source: PredictionSource
}

interface Work {
  readonly directory: string
  readonly signal: AbortSignal
}

/** Where the event times begin that a window and its reference are made of. */
export function firstNeeded({ policy, window }: Pick<WindowFacts, 'policy' | 'window'>): number {
  const { reference } = policy
  return reference.kind === 'trailing'
    ? trailingStart(policy.window, window, reference.windows)
    : window.start
}

/**
 * The rows that a window is compared with. Training rows are those of the version that answered most of
 * the window, whatever serves now: an old window that is looked at again is compared with the same rows.
 */
export async function referenceValues(
  ports: Pick<Ports, 'models' | 'objects'>,
  question: ReferenceQuestion,
  work: Work,
): Promise<ReferenceValues> {
  const { policy } = question.facts
  const { reference: of } = policy
  if (of.kind === 'trailing') return trailing(question, work)
  const version = of.kind === 'version' ? of.version : dominantVersion(question.versions)
  if (version === null) return { of, absent: 'nobody has answered in the window' }
  return training(ports, question, version, work)
}

async function trailing(
  { facts, source }: ReferenceQuestion,
  { directory, signal }: Work,
): Promise<ReferenceValues> {
  const { policy, window } = facts
  const { reference: of } = policy
  const options = { temporaryDirectory: directory, signal }
  const range = { start: firstNeeded(facts), end: window.start }
  const predictions = await answeredDays(source, range, options)
  const rows = referenceRows(of, policy.window, window, { training: [], predictions })
  if (rows.status === 'not_assessed') return { of, absent: rows.reason }
  const known = await loggedFeatures(source.files, options)
  const features = policy.columns.map(({ name }) => name).filter(name => known.has(name))
  const values = await windowRows({ ...source, from: range.start, to: range.end, features }, options)
  return { of, version: null, ranges: rows.ranges, values }
}

async function training(
  { models, objects }: Pick<Ports, 'models' | 'objects'>,
  { project, facts }: ReferenceQuestion,
  number: number,
  { directory, signal }: Work,
): Promise<ReferenceValues> {
  const { policy, window, model } = facts
  const { reference: of } = policy
  const options = { temporaryDirectory: directory, signal }
  const version = await models.version(project, model, number)
  const timeColumn = (version.lineage as { split?: { column?: string } } | null)?.split?.column
  const { 'train.parquet': table } = version.artifacts
  if (!table || timeColumn === undefined) return { of, absent: `version ${number} has no training rows` }
  const question = { file: await objects.toFile(table.uri, directory), timeColumn }
  const coverage = { training: await trainingDays(question, options), predictions: [] }
  const rows = referenceRows(of, policy.window, window, coverage)
  if (rows.status === 'not_assessed') return { of, absent: rows.reason }
  const signature = version.signature as ModelSignature
  const names = [...signature.features.map(({ name }) => name), signature.target]
  const columns = await trainingColumns(question, rows.ranges, names, options)
  const label = columns.get(signature.target)!
  columns.delete(signature.target)
  const output = await scoreRows(objects, version, columns, directory)
  return { of, version: number, ranges: rows.ranges, values: { output, label, features: columns } }
}

function trailingStart(spec: WindowSpec, window: TimeRange, windows: number): number {
  let first = window
  for (let back = 0; back < windows; back++) first = previousWindow(spec, first)
  return first.start
}
