import type { PipelineRun } from '../../contracts/rest/pipeline-runs.js'
import type { RunStatus } from '../../domain/runs/run-status.js'

/** What people may ask a run for, as the guide's table has it. */
export const RUN_VERBS = ['pause', 'resume', 'cancel', 'retry', 'reset', 'rollback'] as const
export const ANSWERS = ['approve', 'reject', 'release'] as const
export type RunVerb = (typeof RUN_VERBS)[number]
export type Answer = (typeof ANSWERS)[number]
export type Verb = RunVerb | Answer

/** Statuses in which verbs mean the same. */
export const PHASES = {
  accepted: ['accepted'],
  works: ['running'],
  ended_badly: ['failed', 'timed_out', 'cancelled', 'terminated', 'lost', 'start_failed'],
  refused: ['refused'],
  succeeded: ['succeeded'],
} as const satisfies Record<string, readonly RunStatus[]>
export type Phase = keyof typeof PHASES

const ENDED = ['ended_badly', 'refused', 'succeeded'] as const satisfies readonly Phase[]

/** In which phases a verb is taken. Those that a workflow takes find none before it has begun: 503, to be sent again. */
export const TAKEN: Readonly<Record<RunVerb, readonly Phase[]>> = {
  pause: ['works'],
  resume: ['works'],
  cancel: ['accepted', 'works'],
  retry: ['ended_badly'],
  reset: ENDED,
  rollback: ['works', ...ENDED],
}

/** How the guide says when a verb is taken. */
export const SAID: Readonly<Record<string, readonly Phase[]>> = {
  'while it works': ['works'],
  'before its end': ['accepted', 'works'],
  'after it has ended badly': ['ended_badly'],
  'after its end, whatever it was': ENDED,
  'before and after its end': ['works', ...ENDED],
}

/** What an answer is to be: `taken` is any 2xx, the others are codes of a problem. */
export type Expected = 'taken' | 'wrong_state' | 'unavailable'

/** @param gate what a step of the run waits for, where one does */
export function expected(status: RunStatus, verb: Verb, gate: 'approval' | 'event' | null): Expected {
  const phase = phaseOf(status)
  if (isRunVerb(verb)) {
    if (TAKEN[verb].includes(phase)) return 'taken'
    const isForWorkflow = verb === 'pause' || verb === 'resume' || verb === 'rollback'
    return phase === 'accepted' && isForWorkflow ? 'unavailable' : 'wrong_state'
  }
  if (phase === 'accepted') return 'unavailable'
  const fits = verb === 'release' ? gate === 'event' : gate === 'approval'
  return phase === 'works' && fits ? 'taken' : 'wrong_state'
}

function phaseOf(status: RunStatus): Phase {
  return (Object.keys(PHASES) as Phase[]).find(phase =>
    (PHASES[phase] as readonly RunStatus[]).includes(status),
  )!
}

export function isRunVerb(verb: Verb): verb is RunVerb {
  return (RUN_VERBS as readonly Verb[]).includes(verb)
}

/** What brings a run nearer to success: a verb, an answer to a step, or nothing but time. */
export type Next =
  | { readonly verb: 'resume' | 'retry' | 'reset' }
  | { readonly verb: 'approve' | 'release'; readonly step: string }
  | 'wait'
  | 'succeeded'

/** The way out of each state: as long as there is one, no state is a trap. */
export function nextVerb({ status, live }: Pick<PipelineRun, 'status' | 'live'>): Next {
  switch (phaseOf(status)) {
    case 'succeeded':
      return 'succeeded'
    case 'refused':
      return { verb: 'reset' }
    case 'ended_badly':
      return { verb: 'retry' }
    case 'accepted':
      return 'wait'
    case 'works': {
      const [first] = live?.open ?? []
      if (first) return { verb: first.what === 'an event' ? 'release' : 'approve', step: first.step }
      return live?.paused ? { verb: 'resume' } : 'wait'
    }
  }
}
