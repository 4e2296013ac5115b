import type { CodeState } from './data.js'
import type { Operation, RunProblem } from './operations.js'

/** What to make the newest versions of pipelines: a text with positions, or their definitions themselves. */
export interface ApplyPipelines {
  /** YAML or JSON: an `mlforge.yaml` with `pipelines`, or one pipeline with its `name`. */
  source?: string
  /** How problems call the text. */
  file?: string
  /** Definitions by their names. */
  pipelines?: Record<string, unknown>
  /** Says what would change, and changes nothing. */
  dryRun?: boolean
}

export interface PipelineDiff {
  added: string[]
  removed: string[]
  changed: { step: string; fields: string[] }[]
  /** Names of parameters that were added, removed or changed. */
  parameters: string[]
  /** What else has changed, such as `parallel`. */
  settings: string[]
}

export interface AppliedPipeline {
  name: string
  version: number
  sha256: string
  /** False where this is the newest definition already. */
  created: boolean
  /** Against the version before; everything is added in a first one. */
  diff: PipelineDiff
  /** What its runs would stumble over as things are now, such as a pool that is not there. */
  warnings: string[]
}

export interface PipelinesApplied {
  dryRun: boolean
  pipelines: AppliedPipeline[]
}

export interface PipelineSummary {
  name: string
  /** The newest. */
  version: number
  createdAt: string
}

export interface PipelineVersionView {
  name: string
  version: number
  sha256: string
  /** Who applied it. */
  principal: string
  createdAt: string
  /** Complete, as runs are pinned to it. */
  definition: unknown
}

export interface StartPipelineRun {
  parameters?: Record<string, unknown>
  /** The newest where it is left out. */
  version?: number
  /** 1 comes first, 5 last; that of the pipeline where it is left out, else 3. */
  priority?: number
  /** Where the code stood that asks for it: its trainings, those of its subpipelines too, record it. */
  code?: CodeState
}

export interface PipelineRunSummary extends Operation {
  pipeline: string
  version: number
}

export interface PipelineRunStep {
  name: string
  uses: string
  needs: string[]
  state:
    | 'waiting'
    | 'running'
    | 'succeeded'
    | 'refused'
    | 'failed'
    | 'cancelled'
    | 'blocked'
    | 'skipped'
    | 'undone'
  /** Counts how often it was asked for, from 1: a reset raises it, and so does what undoes it. */
  generation: number
  /** Attempt of the run that has begun it last; null before it begins. */
  attempt: number | null
  /** Tries of that attempt that failed. */
  tries: number
  startedAt: string | null
  endedAt: string | null
  /** The slots that it waits for; null where it waits for none. */
  queued: QueuedForPool | null
  /** References resolved; null before it begins. */
  inputs: unknown
  /** Small ones as they are; null before it has succeeded. Tables, files and large ones are references. */
  outputs: unknown
  note: string | null
  /** Where its outcome was taken over from. */
  cachedFrom: { runId: string; step: string } | null
  /** What the last try said, or how it ended. */
  error: RunProblem | null
  /** The run that does it, where that is one of its own. */
  child: string | null
  /** How it was undone, the last time; null where it was not. */
  compensation: StepCompensation | null
  links: {
    log: string
    /** By the names of the outputs, once it has succeeded. */
    outputs: Record<string, string>
    child: string | null
  }
}

export interface StepCompensation {
  uses: string
  state: 'running' | 'succeeded' | 'refused' | 'failed' | 'cancelled'
  /** Which time the step was asked for it has undone. */
  generation: number
  startedAt: string
  endedAt: string | null
  inputs: unknown
  note: string | null
  error: RunProblem | null
  child: string | null
  links: { log: string }
}

export interface QueuedForPool {
  pool: string
  slots: number
  /** From 1, by priority and then by age. */
  position: number
}

export interface PipelineRun extends PipelineRunSummary {
  /** Hash of the definition it is pinned to. */
  sha256: string
  parameters: Record<string, unknown>
  /** Latest versions of datasets, as they were when the run was taken on: it works on these. */
  pins: { step: string; dataset: string; version: number; root: string }[]
  /** Suites of datasets that were current then: it checks by these. */
  suites: { step: string; dataset: string; version: number; sha256: string }[]
  /** Whose work comes before others; null for 3. */
  priority: number | null
  code: CodeState | null
  /** Its place among the runs that wait, where as many are open as the pipeline's `concurrency` allows. */
  queued: { position: number } | null
  steps: PipelineRunStep[]
  /** What the workflow says right now; null when it does not answer within a second. */
  live: PipelineLive | null
}

export interface PipelineLive {
  stage: string
  paused: { by: string; reason: string | null } | null
  /** Steps that wait for an answer or a time. */
  open: {
    step: string
    /** What they wait for. */
    what: string
    /** Who may answer; null where anybody who may start runs can. */
    roles: string[] | null
    expiresAt: string
  }[]
}

export interface AnswerStep {
  reason?: string
}

export interface ReleaseStep {
  /** What the step gives on. */
  payload?: unknown
}

export interface StepAnswered {
  runId: string
  step: string
  answer: 'approve' | 'reject' | 'release'
  by: string
}

export interface PausePipelineRun {
  reason?: string
}

export interface ResetPipelineRun {
  /** Steps to do again, with all that follow from them. */
  steps: string[]
}

export interface PipelineVerbAccepted {
  runId: string
  paused: boolean
}

/** A kind of step, as the library has it. */
export interface StepTypeView {
  name: string
  description: string
  version: number
  inputs: {
    name: string
    type: string
    needed: boolean
    default: unknown
    choices: string[] | null
    description: string
  }[]
  outputs: { name: string; type: string; description: string }[]
  timeoutSeconds: number
  maxAttempts: number
  cache: 'default' | 'on_request' | 'never'
}
