/** A category, or what missing values become; dates and whole numbers past 2^53 are text. */
export type Scalar = string | number | boolean

type Names = readonly string[]

export const DATE_PARTS = [
  'year',
  'quarter',
  'month',
  'day',
  'day_of_week',
  'day_of_year',
  'week',
  'hour',
  'minute',
  'is_weekend',
] as const
export type DatePart = (typeof DATE_PARTS)[number]

export const STRATEGIES = ['mean', 'median', 'most_frequent', 'constant'] as const
export const METHODS = ['standard', 'min_max', 'robust', 'max_abs'] as const

/** What a transformation does, step by step; contracts/rest says of each what it does. */
export type Step =
  | {
      readonly kind: 'impute'
      readonly columns: Names
      readonly strategy: (typeof STRATEGIES)[number]
      readonly value?: Scalar
      readonly indicator?: boolean
    }
  | { readonly kind: 'scale'; readonly columns: Names; readonly method: (typeof METHODS)[number] }
  | {
      readonly kind: 'one_hot'
      readonly columns: Names
      readonly minFrequency?: number
      readonly maxCategories?: number
      readonly unknown?: 'ignore' | 'error' | 'infrequent'
      readonly nulls?: 'zeros' | 'category'
      readonly dropOriginal?: boolean
    }
  | {
      readonly kind: 'ordinal'
      readonly columns: Names
      readonly order?: Readonly<Record<string, readonly Scalar[]>>
      readonly unknown?: 'error' | 'null' | 'value'
      readonly unknownValue?: number
    }
  | {
      readonly kind: 'target'
      readonly columns: Names
      readonly target: string
      readonly smoothing?: number | 'auto'
    }
  | {
      readonly kind: 'bin'
      readonly columns: Names
      readonly strategy: 'quantile' | 'uniform' | 'edges'
      readonly bins?: number
      readonly edges?: readonly number[]
      readonly encode?: 'ordinal'
    }
  | {
      readonly kind: 'clip'
      readonly columns: Names
      readonly min?: number
      readonly max?: number
      readonly lowerQuantile?: number
      readonly upperQuantile?: number
    }
  | {
      readonly kind: 'log'
      readonly columns: Names
      readonly offset?: number
      readonly invalid?: 'error' | 'null'
    }
  | {
      readonly kind: 'date_parts'
      readonly columns: Names
      readonly parts: readonly DatePart[]
      readonly cyclical?: boolean
      readonly dropOriginal?: boolean
    }
  | {
      readonly kind: 'hash'
      readonly columns: Names
      readonly buckets: number
      readonly seed?: number
      readonly tokens?: boolean
    }
  | {
      readonly kind: 'interact'
      readonly columns: Names
      readonly degree: 2 | 3
      readonly interactionOnly?: boolean
    }
  | { readonly kind: 'select' | 'drop'; readonly columns: Names }
  | { readonly kind: 'filter'; readonly where: string }
  | { readonly kind: 'sql'; readonly columns: Readonly<Record<string, string>> }

export type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>
