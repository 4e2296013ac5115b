import { canonicalJson, type Json } from '../canonical-json.js'
import type { ConversionSpec } from '../datasets/conversion.js'
import type { Column, ColumnType, Schema } from '../datasets/schema.js'
import { DAY_MS, previousWindow, windowContaining } from '../drift/windows.js'
import type { ModelSignature } from '../models/signature.js'
import type { TrainingRequest } from '../training/build-spec.js'
import type { Holdout, RetrainingPolicy, TrainingRetrainingPolicy } from './policy.js'

/** Step that builds the data of a retraining: an incident counts its own, null is a run of its own. */
export function setStep(number: number | null): string {
  return number === null ? 'set' : `set-${number}`
}

/** Where a column of the dataset gets its value from in a row that was predicted and labelled. */
export interface ColumnSource {
  readonly column: string
  readonly type: ColumnType
  /** `empty`: predictions do not have it, the value is missing. */
  readonly from: 'time' | 'label' | 'feature' | 'empty'
}

/** What a retraining reads of its predictions. */
export interface LearnedColumns {
  /** Each once, in order. */
  readonly features: readonly string[]
  /** Gets the label that holds. */
  readonly target: string
}

/**
 * What a retraining by a policy reads of predictions: what its training asks for; a pipeline gets all that
 * they have.
 * @param serving signature of the version that answers, null where none does
 * @returns null where that is not known
 */
export function learnedColumns(
  { training }: RetrainingPolicy,
  serving: ModelSignature | null,
): LearnedColumns | null {
  if (training) return { features: featuresOf(training), target: training.target }
  return serving && { features: serving.features.map(({ name }) => name), target: serving.target }
}

/**
 * How a labelled prediction becomes a row of the dataset: a next version has the schema of the last, so
 * every column has a source. The time column gets the event time, the target the label that holds, the
 * columns that the training reads the features of the same name; what predictions do not have is missing.
 */
export function columnSources(
  schema: Schema,
  timeColumn: string,
  { features: learned, target }: LearnedColumns,
): ColumnSource[] {
  const features = new Set(learned)
  return schema.map(({ name: column, type }) => {
    if (column === timeColumn) return { column, type, from: 'time' }
    if (column === target) return { column, type, from: 'label' }
    return { column, type, from: features.has(column) ? 'feature' : 'empty' }
  })
}

/** Every column that a retraining reads of a prediction, once, in order. */
export function featuresOf({
  features,
  baseline,
}: Pick<TrainingRetrainingPolicy['training'], 'features' | 'baseline'>): string[] {
  return [...new Set([...features, ...(baseline?.by ?? [])])]
}

/** Schema of the joined table: that of the version it grows from, with what may be missing now. */
export function joinedSchema(schema: Schema, nulls: ReadonlyMap<string, number>): Schema {
  return schema.map((column): Column => ({ ...column, nullable: (nulls.get(column.name) ?? 0) > 0 }))
}

/**
 * The first event time, epoch milliseconds, of predictions that join: the earlier rows end before it, so
 * that nothing that happened is in the table twice.
 * @param newest of the time column in the earlier rows, epoch milliseconds; null where they have none
 */
export function joinFrom(newest: number | null, type: ColumnType): number | null {
  if (newest === null) return null
  return newest + (type === 'date' ? DAY_MS : 1)
}

/**
 * Trains on everything before the last whole period that ends by `dataUntil`, and holds that one out.
 * Days are those of UTC.
 * @param dataUntil event time, epoch milliseconds, not included
 */
export function retrainingSplit(
  column: string,
  holdout: Holdout,
  dataUntil: number,
): TrainingRequest['split'] {
  const spec = { every: holdout } as const
  const last = windowContaining(spec, dataUntil - 1)
  const { start, end } = last.end <= dataUntil ? last : previousWindow(spec, last)
  return { column, train: { until: day(start) }, holdout: { from: day(start), until: day(end) } }
}

/** The training of a retraining, on a version of the dataset that the policy names. */
export function retrainingRequest(
  policy: TrainingRetrainingPolicy,
  model: string,
  version: number,
  dataUntil: number,
): TrainingRequest {
  const { training, dataset, timeColumn, holdout } = policy
  return {
    ...training,
    model,
    dataset: { name: dataset, version },
    split: retrainingSplit(timeColumn, holdout, dataUntil),
  }
}

/** What was joined to a version, as the next one keeps it. */
export interface JoinedPredictions {
  readonly deployment: string
  /** Root of the version whose rows come first. */
  readonly parent: string
  /** Event times in epoch milliseconds; null from the beginning on. */
  readonly from: number | null
  readonly until: number
  readonly rows: number
  /** SHA-256 of the labelled predictions as a table: features, labels that hold and event times in order. */
  readonly table: string
  readonly columns: readonly ColumnSource[]
}

/**
 * Conversion of a joined version: a file that is committed next is read like the one at the beginning;
 * `joined` says where the other rows come from, and that this version is none to grow from again.
 */
export type JoinedConversion = ConversionSpec & { readonly joined: JoinedPredictions }

/**
 * Canonical JSON whose sha256 is the root of a joined version: the same earlier rows and the same
 * labelled predictions are the same content, however the prediction log was cut into files.
 */
export function joinedIdentity({ parent, table, columns }: JoinedPredictions, engineVersion: string): string {
  return canonicalJson({ parent, predictions: table, columns, engine: engineVersion } as unknown as Json)
}

function day(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}
