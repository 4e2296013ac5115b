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

export interface CreateSchedule {
  name: string
  training: StartTraining
  timing: ScheduleTiming
  paused?: boolean
  note?: string
}

export interface UpdateSchedule {
  training?: StartTraining
  timing?: ScheduleTiming
  note?: string
}

export interface Schedule {
  name: string
  training: StartTraining
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
