import type { Expectation } from './datasets.js'
import type { TypedExpectation } from './expectations.js'
import type { JsonValue } from './pipelines.js'
import type { RolloutStrategy } from './rollouts.js'
import type { TransformationStep } from './transformations.js'
import type { StartTraining } from './trainings.js'

/** Types of the values that steps take and give. */
export type ValueType =
  'string' | 'integer' | 'number' | 'boolean' | 'json' | 'table' | 'file' | 'strings' | 'tables' | 'texts'

/** Stands for a value that is known when the pipeline runs. Within a text it is its `${{ ... }}` form. */
export interface ReferenceTo<T extends ValueType> {
  readonly type: T
  toString(): string
}

/** A reference to JSON can lead into it. */
export interface ReferenceToJson extends ReferenceTo<'json'> {
  /** The value inside, by names and places. What it is shows when it is there. */
  at(...path: (string | number)[]): ReferenceToJson
}

/** Reference to a value of a type, as steps give it. */
export type Given<T extends ValueType> = T extends 'json' ? ReferenceToJson : ReferenceTo<T>

export type Text = string | ReferenceTo<'string'> | ReferenceTo<'json'>
export type Integer = number | ReferenceTo<'integer'> | ReferenceTo<'json'>
export type Decimal = number | ReferenceTo<'integer'> | ReferenceTo<'number'> | ReferenceTo<'json'>
export type Flag = boolean | ReferenceTo<'boolean'> | ReferenceTo<'json'>
/** A text among others: numbers and booleans that references put there are written out. */
export type Written = Text | ReferenceTo<'integer'> | ReferenceTo<'number'> | ReferenceTo<'boolean'>
export type Table = ReferenceTo<'table'>
type Reference = ReferenceTo<ValueType>

/** JSON in which references may stand for values. */
export type JsonWithReferences =
  | JsonValue
  | Reference
  | readonly JsonWithReferences[]
  | { readonly [name: string]: JsonWithReferences | undefined }

/** The same shape, where references may stand for the values in it. */
export type WithReferences<T> =
  | ReferenceTo<'json'>
  | (T extends string
      ? T | ReferenceTo<'string'>
      : T extends number
        ? T | ReferenceTo<'integer'> | ReferenceTo<'number'>
        : T extends boolean
          ? T | ReferenceTo<'boolean'>
          : T extends object
            ? { [K in keyof T]: WithReferences<T[K]> }
            : T)

export interface DatasetInputs {
  /** `name`, or `name@` and a version: its number, `latest`, a branch, a tag, or an instant in braces */
  dataset: Text
}

export interface QueryInputs {
  /** One SELECT; tables by the names of `tables`. */
  sql: Text
  tables: { [name: string]: Table }
}

type ByColumn<T> = { [column: string]: T } | ReferenceTo<'json'>
type Columns = readonly Text[] | ReferenceTo<'strings'> | ReferenceTo<'json'>

/** One operation on a table. Expressions are SQL (DuckDB) over the columns that the one before has left. */
export type TransformOperation =
  | { kind: 'select' | 'drop'; columns: Columns }
  /** New names by old ones. */
  | { kind: 'rename'; columns: ByColumn<Text> }
  /** A predicate: rows for which it holds stay. */
  | { kind: 'filter'; where: Text }
  /** Expressions by the columns that they make, or replace. */
  | { kind: 'derive'; columns: ByColumn<Text> }
  | { kind: 'cast'; columns: ByColumn<'integer' | 'number' | 'boolean' | 'string' | 'date' | 'timestamp'> }
  | { kind: 'fillNull'; values: ByColumn<Written | Decimal | Flag> }
  | { kind: 'clip'; columns: ByColumn<{ min?: Decimal; max?: Decimal } | ReferenceTo<'json'>> }
  | { kind: 'sort'; by: readonly (Text | { column: Text; order?: 'asc' | 'desc' })[] }
  /** The first of rows that are equal, in these columns or in all. */
  | { kind: 'distinct'; columns?: Columns }
  /** 0 < fraction <= 1. The same rows for the same seed, 0 by default. */
  | { kind: 'sample'; fraction: Decimal; seed?: Integer }
  | { kind: 'limit'; rows: Integer }

export interface TransformInputs {
  table: Table
  /** At most 100, in their order. */
  operations: readonly TransformOperation[] | ReferenceTo<'json'>
}

export interface FitInputs {
  /** name of the transformation */
  transformation: Text
  /** what is learned from */
  table: Table
  /** predicate in SQL for the rows that are learned from; all of them where left out */
  where?: Text
  /** a list of `{ kind, ... }`: impute, scale, one_hot, target, ... as the reference has them */
  steps: WithReferences<TransformationStep>[]
  /** how many parts `table` is made in, each by what the others have taught, so that no row knows its own target */
  folds?: Integer
  /** of the folds */
  seed?: Integer
  /** what the table was made from */
  dataset?: Text
  /** of the dataset */
  version?: Integer
}

export interface ApplyInputs {
  /** name of the transformation */
  transformation: Text
  /** of it */
  version: Integer
  /** what is changed */
  table: Table
}

/** Either expectations or a suite. */
export interface ValidateInputs {
  table: Table
  /** Of a dataset: `name` for its current one, `name@3` for a version of it. */
  suite?: Text
  expectations?: WithReferences<(Expectation | TypedExpectation)[]>
  /** Of which the table is a version, for expectations that compare it with the version before. */
  dataset?: Text
  /** Of the dataset. */
  version?: Integer
}

export interface GateInputs {
  /** `name`, whose newest version is meant as long as it waits, or `name@` and a branch, a tag or a number. */
  dataset: Text
  /** `name@3`, a version of the suite of the dataset; the current one where left out. */
  suite?: Text
  /** Who may let a version pass as it is, with a reason; both by default. */
  roles?: ('admin' | 'operator')[]
}

export interface TrainInputs {
  model: Text
  dataset: Text
  version: Integer
  training: WithReferences<Omit<StartTraining, 'model' | 'dataset'>>
}

/** Either a version or an alias, `champion` by default. */
export interface EvaluateInputs {
  model: Text
  version?: Integer
  alias?: Text
  /** The features, and the target. */
  table: Table
  /** Column with the truth, that of the version by default. */
  target?: Text
}

export interface CompareInputs {
  /** The new figure. */
  candidate: Decimal
  /** The figure it is held against. */
  reference: Decimal
  /** candidate / reference at most, 1 by default. */
  maxRatio?: Decimal
}

export interface RegisterInputs {
  model: Text
  /** One of the `files` of a script, or its `files` where there is one. */
  file: ReferenceTo<'file'> | ReferenceTo<'json'>
  signature: WithReferences<ModelSignature>
  /** Rows that it is tried with, here and when it is rolled out; zeros and ones by default. */
  sample?: Table
  /** Figures by their names. */
  metrics?: { [name: string]: Decimal | null } | ReferenceTo<'json'>
  /** What it was made from. */
  dataset?: Text
  /** Of the dataset. */
  version?: Integer
}

/** What a model takes, in this order, and gives. */
export interface ModelSignature {
  features: { name: string; type: 'number' | 'integer' | 'boolean' }[]
  target: string
  /** Called as the target by default. */
  output?: { name: string; clip?: { min?: number; max?: number } }
}

export interface PromoteInputs {
  model: Text
  /** What the alias is to name, null for nothing. */
  version: Integer | null
  /** `champion` by default. */
  alias?: Text
}

export interface DeployInputs {
  deployment: Text
  /** Of its model. */
  version: Integer
  /** A canary by default. */
  strategy?: WithReferences<RolloutStrategy>
}

/** A case of a branch: it is taken where all its conditions hold. */
export interface BranchCase {
  case: string
  equals?: JsonWithReferences
  not?: JsonWithReferences
  oneOf?: readonly JsonWithReferences[] | ReferenceTo<'json'>
  above?: Decimal
  atLeast?: Decimal
  below?: Decimal
  atMost?: Decimal
}

export interface BranchInputs {
  /** What is looked at. */
  value: JsonWithReferences
  /** The first that holds is taken, `otherwise` where none does. */
  cases: BranchCase[]
}

export interface ApproveInputs {
  /** What is asked. */
  message: Text
  /** Whose answer counts, both by default. */
  roles?: ('admin' | 'operator')[]
  /** How often the webhook is told again. */
  remindEverySeconds?: Decimal
  /** http or https; is told { text, pipeline, run, step } at the beginning, and as a reminder. */
  webhook?: Text
}

/** One of these. */
export interface WaitInputs {
  /** From its beginning. */
  seconds?: Decimal
  /** ISO 8601 time with an offset. */
  until?: Text
  /** true: until POST .../steps/{step}/release, whose payload it gives. */
  event?: Flag
  /** Until the source has anything, before or after the beginning. */
  condition?: StepSource
}

export interface MapInputs {
  /** A list of at most 100,000, or a table, whose rows they are. */
  items: readonly JsonWithReferences[] | ReferenceTo<'json'> | ReferenceTo<'strings'> | Table
  /** Items that are worked on at the same time, 1 to 200; 10 by default. */
  parallel?: Integer
  /** Items that may fail or be refused, none by default; one more ends the map. */
  maxFailures?: Integer
}

export interface SubpipelineInputs {
  /** Its name. */
  pipeline: Text
  /** By their names. */
  parameters?: { readonly [name: string]: JsonWithReferences | undefined } | ReferenceTo<'json'>
  /** Of the pipeline, the newest by default. */
  version?: Integer
}

export interface HttpInputs {
  /** http or https */
  url: Text
  /** `POST` by default. */
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | ReferenceTo<'string'> | ReferenceTo<'json'>
  headers?: { [name: string]: Written }
  /** Sent as JSON. */
  body?: JsonWithReferences
}

export interface NotifyInputs {
  /** http or https; gets { text, pipeline, run, step } */
  url: Text
  text: Text
}

export interface ScriptInputs {
  /** Program and arguments. */
  command: Written[]
  /** Files of the project that it uses: it sees a copy of them and nothing else. */
  files?: Written[]
  /** What it finds in $MLFORGE_INPUTS, as JSON. */
  inputs?: JsonWithReferences
  /** What it finds there as Parquet files. */
  tables?: { [name: string]: Table }
  /** Variables that it gets. */
  environment?: { [name: string]: Written }
}

/** Inputs of the step library, by type of step. */
/** Exactly one of its members, as the source of a sensor has it. */
export interface StepSource {
  objects?: { prefix: Text }
  directory?: { path: Text; pattern?: Text }
  dataset?: { name: Text }
  drift?: { deployment: Text; on?: 'incident' | 'window' }
  metric?: {
    model: Text
    alias?: Text
    metric: 'rmse' | 'mae' | 'wape' | 'relativeBias' | 'r2'
    above?: Decimal
    atLeast?: Decimal
    below?: Decimal
    atMost?: Decimal
  }
  pipeline?: { name: Text; status?: 'succeeded' | 'failed' | 'any' }
}

export interface SensorInputs {
  source: StepSource
}

export interface StepInputs {
  dataset: DatasetInputs
  query: QueryInputs
  transform: TransformInputs
  fit: FitInputs
  apply: ApplyInputs
  validate: ValidateInputs
  gate: GateInputs
  train: TrainInputs
  evaluate: EvaluateInputs
  compare: CompareInputs
  register: RegisterInputs
  promote: PromoteInputs
  deploy: DeployInputs
  branch: BranchInputs
  approve: ApproveInputs
  wait: WaitInputs
  sensor: SensorInputs
  map: MapInputs
  subpipeline: SubpipelineInputs
  http: HttpInputs
  notify: NotifyInputs
  script: ScriptInputs
}

export type StepTypeName = keyof StepInputs
/** Types of steps that a map can do with each item: those that are not waited for. */
export type InnerTypeName = Exclude<
  StepTypeName,
  'train' | 'deploy' | 'gate' | 'approve' | 'wait' | 'sensor' | 'map' | 'subpipeline'
>

/** Outputs of the step library, by type of step, with their types. */
export const STEP_OUTPUTS = {
  dataset: { name: 'string', version: 'integer', root: 'string', rows: 'integer', table: 'table' },
  query: { table: 'table', rows: 'integer', first: 'json' },
  transform: { table: 'table', rows: 'integer', columns: 'strings' },
  fit: {
    transformation: 'string',
    version: 'integer',
    sha256: 'string',
    created: 'boolean',
    table: 'table',
    rows: 'integer',
    columns: 'strings',
  },
  apply: { table: 'table', rows: 'integer', columns: 'strings' },
  validate: { warnings: 'strings', results: 'json', suite: 'json' },
  gate: {
    name: 'string',
    version: 'integer',
    root: 'string',
    rows: 'integer',
    table: 'table',
    suite: 'json',
    validation: 'string',
    override: 'json',
  },
  train: { run: 'string', model: 'string', version: 'integer', sha256: 'string', metrics: 'json' },
  evaluate: { metrics: 'json', rows: 'integer', predictions: 'table', version: 'integer' },
  compare: { ratio: 'number' },
  register: { model: 'string', version: 'integer', sha256: 'string' },
  promote: { version: 'integer', previous: 'json' },
  deploy: { rollout: 'string', version: 'integer' },
  branch: { taken: 'string' },
  approve: { by: 'string', reason: 'json' },
  wait: { payload: 'json' },
  sensor: { payload: 'json', key: 'string' },
  map: { count: 'integer', failed: 'integer', results: 'json' },
  subpipeline: { run: 'string', outputs: 'json' },
  http: { status: 'integer', body: 'json' },
  notify: { status: 'integer' },
  script: { outputs: 'json', files: 'json' },
} as const satisfies { [K in StepTypeName]: Record<string, ValueType> }

/** Outputs of a type of step, as references to them. */
export type StepOutputs<K extends StepTypeName> = {
  readonly [O in keyof (typeof STEP_OUTPUTS)[K]]: (typeof STEP_OUTPUTS)[K][O] extends infer T extends
    ValueType
    ? Given<T>
    : never
}
