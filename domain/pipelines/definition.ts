import type { Json } from '../canonical-json.js'
import type { ScalarType } from './values.js'

/** Limits of one definition; larger work is a fan-out over data or a pipeline of its own. */
export const MAX_STEPS = 500
export const MAX_DEFINITION_BYTES = 64 * 1024
/** Step names become part of ids, effect keys and of what Temporal Web shows. */
export const STEP_NAME_PATTERN = /^[a-z][a-z0-9_-]{0,59}$/
export const STEP_NAME_RULE = 'lower-case letters, digits, "_" and "-", at most 60, starting with a letter'

/** What a run of the pipeline may be told. */
export interface ParameterSpec {
  readonly type: ScalarType | 'json'
  /** A parameter without one must be given. */
  readonly default?: Json
  readonly description?: string
  /** The only values that are taken, where there are such. */
  readonly choices?: readonly Json[]
}

/** How often a step is tried before its failure is the run's. A lost worker is no try of the step. */
export interface StepRetry {
  /** Tries in all, 1 to 100. */
  readonly maxAttempts: number
  /** Seconds until the next try. */
  readonly delaySeconds?: number
}

/** One step as it is kept: complete, in the order of its author. */
export interface StepSpec {
  readonly name: string
  /** Name of a step type. */
  readonly uses: string
  /** All steps that must have ended well before: those it names and those it refers to, in their order. */
  readonly needs: readonly string[]
  /** Done only where a branch has taken one of these cases. */
  readonly when?: { readonly step: string; readonly is: readonly string[] }
  /** `any`: one of its needs is enough, where branches have left the others out. */
  readonly join?: 'any'
  /** Inputs by name; text may hold references. */
  readonly with: Readonly<Record<string, Json>>
  /** Of one try, in seconds; that of the step type where it is left out. */
  readonly timeoutSeconds?: number
  readonly retry?: StepRetry
  /** Whether outcomes of equal inputs are taken over from earlier runs; that of the step type where left out. */
  readonly cache?: boolean | { readonly maxAgeSeconds: number }
  /** Slots that it needs while it works; it waits until they are free. */
  readonly pool?: StepPool
  readonly description?: string
  /** Of a map: what is done with each item. */
  readonly do?: InnerStep
  /** What undoes it where the run is rolled back; may refer to its outputs, and to what stands before it. */
  readonly compensate?: InnerStep
}

/** What a map does with an item, whose inputs may refer to `item` and `index`, or what undoes a step. */
export type InnerStep = Pick<StepSpec, 'uses' | 'with' | 'timeoutSeconds' | 'retry' | 'cache' | 'pool'>

/** Slots of a pool. */
export interface StepPool {
  readonly name: string
  readonly slots: number
}

/** How many runs of a pipeline are open at the same time. */
export interface PipelineConcurrency {
  readonly limit: number
  /** Runs are counted by its value each; it may refer to parameters. */
  readonly key?: string
  /** What becomes of a run for which there is no room: it waits for its turn, or is not taken on. */
  readonly whenFull: 'queue' | 'refuse'
}

/** When a run that failed is picked up again by itself; see domain/runs/retry-policy.ts. */
export interface PipelineRetry {
  readonly codes: readonly string[]
  /** Starts of one run in all, the first included. */
  readonly maxAttempts: number
  readonly delaySeconds: number
}

/** A pipeline as it is stored, hashed (canonical JSON) and interpreted. */
export interface PipelineDefinition {
  readonly schema: 1
  readonly name: string
  readonly description?: string
  readonly parameters: Readonly<Record<string, ParameterSpec>>
  readonly steps: readonly StepSpec[]
  /** Steps of one run that work at the same time, 1 to 100. */
  readonly parallel: number
  /** What a failed step stops: the steps after it, or every step that has not begun. */
  readonly onFailure: 'finish_others' | 'stop'
  /** When its steps are undone: by themselves where a run fails or is refused (left out), or by request alone. */
  readonly rollBack?: 'on_request'
  /** The configuration's policy where it is left out. */
  readonly retry?: PipelineRetry
  readonly concurrency?: PipelineConcurrency
  /** Of runs that say nothing else: 1 comes first, 5 last. */
  readonly priority?: number
}
