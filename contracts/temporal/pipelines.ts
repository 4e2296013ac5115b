import { defineUpdate } from '@temporalio/workflow'
import type { Json } from '../../domain/canonical-json.js'
import type { CodeState } from '../../domain/data/commit.js'
import type { Pin, SuitePin } from '../../domain/pipelines/pins.js'
import type { Graph, GraphStep, StepState } from '../../domain/pipelines/progress.js'
import type { Retrains } from '../../domain/retraining/pipeline.js'
import type { ContentRef, RunEnd, RunFailure, RunInput } from './messages.js'

/** A pipeline run, as its row has it. Parameters are complete; the definition is pinned by its version. */
export interface PipelineRunRequest {
  readonly pipelineId: string
  readonly version: number
  readonly sha256: string
  readonly parameters: Readonly<Record<string, Json>>
  /** Latest versions of datasets, as they were when it was taken on; left out where it asks for none. */
  readonly pins?: readonly Pin[]
  /** Suites of datasets that were current then; left out where it checks by none. */
  readonly suites?: readonly SuitePin[]
  /** Whose retraining it does, where it does one. */
  readonly retrains?: Retrains
  /** Where the code stood that asked for it. */
  readonly code?: CodeState
  /** How many pipelines run it as a step of theirs, one within the other. */
  readonly depth?: number
}

/**
 * What the interpreter needs to know of a step: the rest is read where the step is done. What is usual is left
 * out, since a plan of many steps is one payload.
 */
export interface PlannedStep extends GraphStep {
  readonly uses: string
  /** That of its type where it is left out. */
  readonly timeoutSeconds?: number
  /** 1 where it is left out. */
  readonly generation?: number
  /** True for one that the ledger has: it is not done again. */
  readonly done?: boolean
  /** The case that a branch has taken, where it is done. */
  readonly taken?: string
}

export interface PipelinePlan extends Omit<Graph, 'steps'> {
  readonly steps: readonly PlannedStep[]
  /** True where as many runs of the pipeline are open as may be: this one waits for its turn. */
  readonly queued?: true
  /** What has its steps undone: its own bad end, or a request alone; left out where no step can be undone. */
  readonly rollBack?: 'on_failure' | 'on_request'
  /** This attempt of the run does nothing else: somebody asked for it after the run had ended. */
  readonly rollBackAsked?: Asked
}

/** Who has asked for something, and why. */
export interface Asked {
  readonly by: string
  readonly reason: string | null
}

/** What is undone, in this order. */
export interface RollBackPlan {
  readonly steps: readonly (Pick<PlannedStep, 'uses' | 'timeoutSeconds'> & {
    readonly at: number
    readonly generation: number
  })[]
}

/** A map that a step has asked for, as its run's row has it. */
export interface MapRequest {
  /** The run that it does a step of. */
  readonly runId: string
  readonly step: string
  readonly generation: number
  readonly count: number
  /** Its items, in pages of MAP_PAGE, each a JSON list. */
  readonly pages: ContentRef
  readonly parallel: number
  readonly maxFailures: number
}

/** Items on a page. */
export const MAP_PAGE = 200

export interface MapPlan {
  readonly item: Pick<PlannedStep, 'uses' | 'timeoutSeconds'>
  readonly request: MapRequest
  /** Items before this one are finished. */
  readonly from: number
}

export interface MapLive {
  readonly stage: 'plan' | 'items'
  readonly done?: number
  readonly failed?: number
}

/** What a map takes along when its history is cut. */
export interface MapInput extends RunInput {
  readonly carried?: {
    readonly next: number
    readonly failed: number
    readonly failure: RunFailure | null
    /** Items before `next` that have waited for slots. */
    readonly left?: readonly number[]
  }
}

export interface MapResult extends RunEnd {
  readonly count: number
  readonly failed: number
  /** What each item gave, as JSON. */
  readonly results?: ContentRef
}

/** Identity of a step's work; its generation is the input's. */
export interface StepInput extends RunInput {
  readonly step: string
  /** What has ended the waiting of a step. */
  readonly answer?: StepAnswer
  /** Counts the reminders of a step that waits, or its looks. */
  readonly reminder?: number
  /** Of a map: the item that the step is done with, and where the list of its pages is. */
  readonly item?: { readonly index: number; readonly pages: string }
}

export type StepAnswer =
  | { readonly kind: 'approve' | 'reject'; readonly by: string; readonly reason: string | null }
  | { readonly kind: 'release'; readonly by: string; readonly payload: Json }
  | { readonly kind: 'time' | 'expired' }

/** What a step waits for. */
export interface OpenGate {
  readonly kind: 'approval' | 'event' | 'time' | 'source'
  /** Whose answer counts; null for anybody who may send one. */
  readonly roles: readonly string[] | null
  /** Nobody approves it without saying why. */
  readonly needsReason?: boolean
  /** Epoch milliseconds: time itself is the answer; null where it is not. */
  readonly until: number | null
  /** Epoch milliseconds: nobody has answered. */
  readonly expires: number
  readonly remindEveryMs: number | null
}

/** What an activity says of its step. */
export type StepReport =
  | {
      readonly state: 'succeeded'
      readonly note?: string
      readonly cached?: true
      /** Of a branch: its case. */
      readonly taken?: string
    }
  /** The step is a run of its own, which is under way. */
  | { readonly state: 'running'; readonly child: string }
  /** Somebody else's run is in the way; the step can begin when it has ended. */
  | { readonly state: 'waiting'; readonly waitFor: string }
  /** Slots of a pool are waited for; the step can begin when it has them. */
  | { readonly state: 'queued'; readonly pool: string }
  /** Somebody has to answer, or time to pass. */
  | { readonly state: 'open'; readonly gate: OpenGate }

/** Outcome of a step in the ledger: its outputs, or where they are when they are large. */
export interface StepOutcome {
  readonly outputs?: Readonly<Record<string, Json>>
  readonly outputsAt?: ContentRef
  readonly note?: string
  readonly taken?: string
  /** The run and step that an equal outcome was taken over from. */
  readonly cachedFrom?: { readonly runId: string; readonly step: string }
}

/** A state of a step that its own activity could not write. */
export interface StepEnd {
  readonly step: string
  readonly generation: number
  readonly state: StepState
  readonly error?: RunFailure
}

export interface PipelineLive {
  readonly stage: 'plan' | 'queued' | 'run' | 'paused' | 'roll_back'
  /** By whom and why, while no step is begun. */
  readonly paused?: Asked | null
  readonly open?: readonly OpenStep[]
}

export interface OpenStep {
  readonly step: string
  readonly gate: OpenGate
}

export interface PipelineInput extends RunInput {
  /** Carried along when the history is cut. */
  readonly paused?: Asked | null
  readonly carried?: CarriedSteps
}

/** Steps that have not ended well in this attempt, by their positions: the ledger has the others. */
export interface CarriedSteps {
  readonly ended: readonly (readonly [at: number, state: StepState])[]
  /** Why the first of each state has ended so. */
  readonly failures: readonly (readonly [at: number, failure: RunFailure])[]
  /** Those that were under way, waiting for a run or an answer: they are taken up, also where nothing may begin. */
  readonly left?: readonly number[]
  readonly gates?: CarriedGates
  /** The run is being rolled back: how it ends after that, and what is undone already. */
  readonly rollBack?: { readonly end: PipelineEnd; readonly undone: readonly string[] }
}

/** What is waited for, so that an answer is taken at once, and answers that came before the cut. */
export interface CarriedGates {
  readonly open: readonly OpenStep[]
  readonly answers: readonly (readonly [step: string, answer: StepAnswer])[]
}

/** How a run ends, before that is its result or its failure. */
export interface PipelineEnd {
  readonly outcome: 'succeeded' | 'refused' | 'failed' | 'cancelled'
  readonly error?: RunFailure
}

export interface PipelineResult extends RunEnd {
  readonly steps: Readonly<Partial<Record<StepState, number>>>
}

/** A verb for a pipeline run that works. */
export interface PipelineVerb {
  readonly runId: string
  readonly verb: 'pause' | 'resume' | 'roll_back'
  readonly by: string
  readonly reason: string | null
}

export const pipelineVerb = defineUpdate<{ readonly paused: boolean }, [PipelineVerb]>('pipelineVerb')

/** An answer that a step waits for. */
export interface StepAnswerVerb {
  readonly runId: string
  readonly step: string
  readonly role: string
  readonly answer: Exclude<StepAnswer, { readonly kind: 'time' | 'expired' }>
}

export const answerStep = defineUpdate<{ readonly taken: true }, [StepAnswerVerb]>('answerStep')
