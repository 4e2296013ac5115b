/** Seconds, or text: `30s`, `10m`, `2h`, `1d`. */
export type Duration = number | string

/** JSON as requests and answers carry it; a member that is undefined is left out. */
export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [name: string]: JsonValue | undefined }

export type ParameterType = 'string' | 'integer' | 'number' | 'boolean' | 'json'

/** What a run of the pipeline may be told. */
export interface ParameterSource {
  type: ParameterType
  /** A parameter without one must be given with each run. */
  default?: JsonValue
  description?: string
  /** The only values that are taken. */
  choices?: JsonValue[]
}

/** How often a step is tried before its failure is the run's. */
export interface StepRetrySource {
  /** Tries in all, 1 to 100. */
  maxAttempts: number
  /** Time until the next try. */
  delay?: Duration
}

/** What is done by a step, or by a map with each item. */
export interface InnerStepSource {
  /** Type of step, such as `query` or `train`: see GET /v1/pipeline-step-types. */
  uses: string
  /** Inputs by name, as the type of step takes them. */
  with?: { [input: string]: JsonValue }
  /** Of one try; that of the step type by default. */
  timeout?: Duration
  retry?: StepRetrySource
  /** Whether outcomes of equal inputs are taken over from earlier runs; as the step type says by default. */
  cache?: boolean | { maxAge: Duration }
  /** Slots that it needs while it works, and waits for: see PUT /v1/pools. One where only the pool is named. */
  pool?: string | { name: string; slots?: number }
}

/**
 * One step. Texts in `with` may refer to what is known when it runs: `${{ parameters.<name> }}`,
 * `${{ steps.<step>.<output> }}` with a path into JSON after it, `${{ run.id }}`, `${{ run.pipeline }}`.
 * A text that is one reference keeps the type of its value; `$${{` is `${{` itself.
 */
export interface StepSource extends InnerStepSource {
  /** Steps that must have ended well before, besides those it refers to. */
  needs?: string | string[]
  /** Done only where a branch took this case, or one of these: `{ <branch step>: <case> }`. */
  when?: { [branch: string]: string | string[] | undefined }
  /** `any`: one of its needs is enough, where branches have left the others out. */
  join?: 'all' | 'any'
  /** Of a map, what is done with each item: its texts may also refer to `${{ item }}` and `${{ index }}`. */
  do?: InnerStepSource
  /**
   * What undoes it when the run is rolled back: any step that acts by itself. It may refer to the outputs of
   * this step and to all that it follows from.
   */
  compensate?: Omit<InnerStepSource, 'cache'>
  description?: string
}

/** When a run that failed is picked up again by itself; the configuration's policy by default. */
export interface PipelineRetrySource {
  /** Error codes that another try can cure. */
  codes: string[]
  /** Starts of one run in all, the first included. */
  maxAttempts: number
  delay: Duration
}

/** How many runs of a pipeline are open at the same time. */
export interface ConcurrencySource {
  limit: number
  /** Runs are counted by its value each: text that may refer to `${{ parameters.<name> }}`. */
  key?: string
  /** What becomes of a run for which there is no room: it waits for its turn (the default), or is not taken on. */
  whenFull?: 'queue' | 'refuse'
}

/** A pipeline as its author writes it: in mlforge.yaml under `pipelines`, in a file of its own, or as JSON. */
export interface PipelineSource {
  /** Left out where the pipeline already stands under its name. */
  name?: string
  description?: string
  /** By name. Text, a number or a boolean alone is the default of a parameter of that type. */
  parameters?: { [name: string]: ParameterSource | string | number | boolean }
  /** By name, in the order in which they are shown. */
  steps: { [name: string]: StepSource }
  /** Steps of one run that work at the same time, 1 to 100; 20 by default. */
  parallel?: number
  /** What a failed step stops: those after it (`finish_others`, the default), or all that have not begun. */
  onFailure?: 'finish_others' | 'stop'
  /**
   * Steps that have succeeded are undone by their `compensate`, the last first: by themselves where the run
   * fails or is refused (`on_failure`, the default), or when somebody asks.
   */
  rollBack?: 'on_failure' | 'on_request'
  retry?: PipelineRetrySource
  /** How many runs of it are open at the same time; any number by default. */
  concurrency?: ConcurrencySource
  /** Of runs that say nothing else: 1 comes first, 5 last; 3 by default. */
  priority?: number
}
