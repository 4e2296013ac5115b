import type { Json } from '../canonical-json.js'
import type { Column } from './columns.js'
import type { Scalar, Step } from './steps.js'

/** What a one_hot step makes of one column. */
export interface OneHotColumns {
  readonly names: readonly { readonly name: string; readonly category: Scalar }[]
  readonly infrequent: { readonly name: string; readonly categories: readonly Scalar[] } | null
  /** The column for nulls. */
  readonly missing: string | null
}

/** Categories with what each becomes, in the same order. */
export interface Encodings {
  readonly categories: readonly Scalar[]
  readonly encodings: readonly number[]
}

/** What a step has learned: lists are by the columns of the step, in their order. */
export type StepState =
  | { readonly kind: 'impute'; readonly fills: readonly Scalar[] }
  | { readonly kind: 'scale'; readonly centers: readonly number[]; readonly scales: readonly number[] }
  | { readonly kind: 'one_hot'; readonly columns: readonly OneHotColumns[] }
  | { readonly kind: 'ordinal'; readonly categories: readonly (readonly Scalar[])[] }
  | { readonly kind: 'target'; readonly mean: number; readonly columns: readonly Encodings[] }
  | { readonly kind: 'bin'; readonly edges: readonly (readonly number[])[] }
  | {
      readonly kind: 'clip'
      readonly bounds: readonly { readonly min: number | null; readonly max: number | null }[]
    }
  | null

export type StateOf<Kind extends NonNullable<StepState>['kind']> = Extract<StepState, { kind: Kind }>

/** A transformation that is fitted: plain JSON, the same for the same rows and steps. */
export interface FittedTransformation {
  readonly format: 1
  readonly steps: readonly Step[]
  /** The columns of the table that it was fitted to. */
  readonly input: readonly Column[]
  /** One for each step; null for those that learn nothing. */
  readonly state: readonly StepState[]
  readonly output: readonly Column[]
  /** Rows that it was fitted to. */
  readonly rows: number
}

/** How the rows of a table are dealt for a cross-fit: that at a position, from 0, is in fold `bucketOf(position, count, seed)`. */
export interface Folds {
  /** 2 to 100. */
  readonly count: number
  /** 0 to 2^32 - 1. */
  readonly seed: number
}

/** The same as JSON of the type that `canonicalJson` takes. */
export function fittedJson(fitted: FittedTransformation): Json {
  return fitted as unknown as Json
}
