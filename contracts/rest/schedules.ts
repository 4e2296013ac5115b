import type { StartTraining } from './trainings.js'

export interface ScheduleTiming {
  /** Five-field cron expression; exactly one of cron and everySeconds. */
  cron?: string
  everySeconds?: number
  /** IANA name such as `Europe/Berlin`; UTC by default. */
  timeZone?: string
  /** What to do when the last run is still going. */
  overlap?: 'skip' | 'buffer_one' | 'allow_all' | 'cancel_other'
  /** How late a missed tick may still run, in seconds; 3600 by default. */
  catchUpSeconds?: number
  jitterSeconds?: number
  pauseOnFailure?: boolean
}

/** What a tick works for. */
export interface ScheduledDeployment {
  deployment: string
}

/** A pipeline that each tick runs: of its newest version then. */
export interface ScheduledPipeline {
  name: string
  parameters?: Record<string, unknown>
  /**
   * What a tick does whose run would work on the dataset versions, definition and parameters of the last
   * successful one: `skip` by default. A pipeline that asks for no latest version always runs.
   */
  onNoNewData?: 'skip' | 'run'
  /** 1 comes first, 5 last; that of the pipeline where it is left out, else 3. */
  priority?: number
}

/** Exactly one of training, retraining, driftCheck and pipeline: what each tick does. */
export interface CreateSchedule {
  name: string
  training?: StartTraining
  /** A retraining by the deployment's policy, with the labelled data of the tick. */
  retraining?: ScheduledDeployment
  /** Checks of all windows that are due, missed ones too. */
  driftCheck?: ScheduledDeployment
  pipeline?: ScheduledPipeline
  timing: ScheduleTiming
  paused?: boolean
  note?: string
}

/** What a tick does is changed within its kind. */
export interface UpdateSchedule {
  training?: StartTraining
  retraining?: ScheduledDeployment
  driftCheck?: ScheduledDeployment
  pipeline?: ScheduledPipeline
  timing?: ScheduleTiming
  note?: string
}

/** One of training, retraining, driftCheck and pipeline is there. */
export interface Schedule {
  name: string
  training?: StartTraining
  retraining?: ScheduledDeployment
  driftCheck?: ScheduledDeployment
  pipeline?: ScheduledPipeline
  timing: Required<Omit<ScheduleTiming, 'cron' | 'everySeconds'>> & { cron?: string; everySeconds?: number }
  paused: boolean
  note: string | null
  /** Next times, from Temporal; null when it does not answer. */
  nextRuns: string[] | null
  recentRuns: { scheduledAt: string; startedAt: string; workflowId: string }[] | null
  webUrl: string
  createdAt: string
  updatedAt: string
}

/** What has become of a tick. */
export interface ScheduleTick {
  /** When it was due; null for one that was triggered by hand under no time. */
  scheduledAt: string | null
  /** When it was taken on, or skipped. */
  at: string
  outcome: 'run' | 'skipped'
  reason: 'no_new_data' | null
  /** Its run, or the one that has worked on the same. */
  runId: string | null
  workflowId: string
}

/** Ticks of the past to run now. */
export interface BackfillSchedule {
  /** Ticks at these two times and between them. */
  from: string
  to: string
  /** One after the other by default. */
  overlap?: 'buffer_all' | 'allow_all'
}

export interface Backfill {
  schedule: string
  overlap: 'buffer_all' | 'allow_all'
  /** Times of the ticks, oldest first. */
  ticks: string[]
}
