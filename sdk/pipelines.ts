import {
  STEP_OUTPUTS,
  type Given,
  type StepOutputs,
  type StepTypeName,
} from '../contracts/rest/pipeline-steps.js'
import type {
  JsonValue,
  ParameterSource,
  ParameterType,
  PipelineSource,
  StepSource,
} from '../contracts/rest/pipelines.js'
import { referenceTo, written } from './references.js'
import type { StepWork } from './steps.js'

interface ValueOf {
  string: string
  integer: number
  number: number
  boolean: boolean
  json: JsonValue
}

/** A parameter whose default and choices are of its type. */
export interface Parameter<T extends ParameterType> extends ParameterSource {
  type: T
  default?: ValueOf[T]
  choices?: ValueOf[T][]
}

type Parameters = Record<string, ParameterType>
type Steps = Record<string, StepTypeName>

/** What a step can refer to: parameters, outputs of the steps before it, and the run. */
export interface References<P extends Parameters, S extends Steps> {
  readonly parameters: { readonly [N in keyof P]: Given<P[N]> }
  readonly steps: { readonly [N in keyof S]: StepOutputs<S[N]> }
  readonly run: { readonly id: Given<'string'>; readonly pipeline: Given<'string'> }
}

/** How a step is run, where its type does not say it well. */
export interface StepOptions<P extends Parameters, S extends Steps, K extends StepTypeName> extends Omit<
  StepSource,
  'uses' | 'with' | 'do' | 'needs' | 'when' | 'compensate'
> {
  /** Steps before it that must have ended well, besides those it refers to. */
  needs?: NameOf<S> | NameOf<S>[]
  /** Done only where a branch took this case, or one of these. */
  when?: { [N in BranchOf<S>]?: string | string[] }
  /** What undoes it when the run is rolled back, with references to what it gives and to what comes before it. */
  compensate?: (
    outputs: StepOutputs<K>,
    references: References<P, S>,
  ) => StepWork<Exclude<StepTypeName, 'map' | 'approve' | 'wait'>>
}

type NameOf<S extends Steps> = keyof S & string
type BranchOf<S extends Steps> = { [N in NameOf<S>]: S[N] extends 'branch' ? N : never }[NameOf<S>]

type NewName<N extends string, Known> = N extends keyof Known ? never : N

/** A pipeline being written; each call gives a new one. */
export class PipelineBuilder<P extends Parameters, S extends Steps> {
  constructor(
    private readonly source: PipelineSource,
    private readonly references: References<P, S>,
  ) {}

  /** Adds what a run may be told. @throws RangeError for a name that is taken */
  parameter<const N extends string, const T extends ParameterType>(
    name: NewName<N, P>,
    parameter: Parameter<T>,
  ): PipelineBuilder<P & { readonly [K in N]: T }, S> {
    const source = { ...this.source, parameters: added(this.source.parameters, name, parameter, 'parameter') }
    const parameters = {
      ...this.references.parameters,
      [name]: referenceTo(parameter.type, `parameters.${name}`),
    }
    return new PipelineBuilder(source, { ...this.references, parameters } as References<
      P & { readonly [K in N]: T },
      S
    >)
  }

  /**
   * Adds a step.
   *
   * @param work what it does, or a function that says so with references to what comes before it
   * @throws RangeError for a name that is taken
   */
  step<const N extends string, K extends StepTypeName>(
    name: NewName<N, S>,
    work: StepWork<K> | ((references: References<P, S>) => StepWork<K>),
    { compensate, ...options }: StepOptions<P, S, K> = {},
  ): PipelineBuilder<P, S & { readonly [E in N]: K }> {
    const { uses, with: inputs, do: each } = typeof work === 'function' ? work(this.references) : work
    const outputs = Object.fromEntries(
      Object.entries(STEP_OUTPUTS[uses]).map(([output, type]) => [
        output,
        referenceTo(type, `steps.${name}.${output}`),
      ]),
    )
    const undo = compensate?.(outputs as StepOutputs<K>, this.references)
    const step = { uses, ...options, with: inputs, do: each, compensate: undo }
    const source = {
      ...this.source,
      steps: added(this.source.steps, name, step, 'step') as PipelineSource['steps'],
    }
    const steps = { ...this.references.steps, [name]: outputs }
    return new PipelineBuilder(source, { ...this.references, steps } as References<
      P,
      S & { readonly [E in N]: K }
    >)
  }

  /** The pipeline as JSON, as `POST /v1/pipelines` takes it and as YAML would have it. */
  build(): PipelineSource {
    return written(this.source) as unknown as PipelineSource
  }
}

function added<V>(
  known: Record<string, V> | undefined,
  name: string,
  value: unknown,
  what: string,
): Record<string, V> {
  if (known !== undefined && Object.hasOwn(known, name)) {
    throw new RangeError(`There are two of the ${what} "${name}". Give one of them another name.`)
  }
  return { ...known, [name]: value as V }
}

/**
 * Begins a pipeline. What it refers to and needs is checked by the compiler, as far as types can:
 *
 * ```ts
 * const retrain = pipeline('retrain')
 *   .parameter('limit', { type: 'number', default: 0.95 })
 *   .step('load', dataset({ dataset: 'bike@latest' }))
 *   .step('size', ({ steps }) =>
 *     branch({ value: steps.load.rows, cases: [{ case: 'large', above: 1000 }] }),
 *   )
 *   .step('clean', ({ steps }) => query({ sql: 'SELECT * FROM t', tables: { t: steps.load.table } }), {
 *     when: { size: 'large' },
 *   })
 *   .step('tell', ({ steps }) =>
 *     map({ items: steps.clean.table }, ({ item }) =>
 *       notify({ url: 'https://example.org/hook', text: `station ${item.at('station')}` }),
 *     ),
 *   )
 *   .build()
 * ```
 */
export function pipeline(
  name: string,
  settings: Omit<PipelineSource, 'name' | 'parameters' | 'steps'> = {},
): PipelineBuilder<Record<never, never>, Record<never, never>> {
  const run = { id: referenceTo('string', 'run.id'), pipeline: referenceTo('string', 'run.pipeline') }
  return new PipelineBuilder({ name, ...settings, steps: {} }, { parameters: {}, steps: {}, run })
}
