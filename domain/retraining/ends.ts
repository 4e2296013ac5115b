import type { RunKind } from '../names.js'
import type { RunStatus } from '../runs/run-status.js'

/** Why something ended as it did. */
interface Reason {
  readonly code: string
  readonly message: string
  readonly details?: Readonly<Record<string, unknown>>
}

/** How a retraining's training or rollout has ended. */
export interface Ended {
  readonly id: string
  /** `training` where it is left out. */
  readonly kind?: RunKind
  readonly status: RunStatus
  readonly error: Reason | null
  /** That it has registered. */
  readonly version: number | null
}

/** What a retraining starts, as its evidence names it. */
type Ran = 'training' | 'pipelineRun' | 'rollout'

const WORDS: Readonly<Record<Ran, string>> = {
  training: 'training',
  pipelineRun: 'pipeline run',
  rollout: 'rollout',
}

/** `refuse`: an answer, with its evidence; `fail`: an accident, which only a person can make good. */
export type Verdict<T> =
  | ({ readonly do: 'go_on' } & T)
  | { readonly do: 'refuse'; readonly error: Reason }
  | { readonly do: 'fail'; readonly error: Reason }

/** What the end of its training, or of its pipeline's run, makes of a retraining. */
export function afterTraining(training: Ended): Verdict<{ readonly version: number }> {
  const { id, kind, status, version } = training
  const what = kind === 'pipeline' ? 'pipelineRun' : 'training'
  if (status === 'succeeded' && version !== null) return { do: 'go_on', version }
  if (status === 'succeeded') {
    const message =
      'The step that gives the version was left out, or has registered another model. Look at its branches, then ask for the retraining again.'
    return failed(what, { ...training, error: { code: 'wrong_state', message } }, '')
  }
  if (status === 'refused') return { do: 'refuse', error: reasonOf(what, training) }
  const path = what === 'training' ? 'trainings' : 'pipeline-runs'
  return failed(
    what,
    training,
    ` Retry it by POST /v1/${path}/${id}/retry, then the retraining: it goes on from there.`,
  )
}

/** What the end of its rollout makes of a retraining. */
export function afterRollout(rollout: Ended, version: number): Verdict<object> {
  if (rollout.status === 'succeeded') return { do: 'go_on' }
  if (rollout.status === 'refused') return { do: 'refuse', error: reasonOf('rollout', rollout) }
  return failed(
    'rollout',
    rollout,
    ` Version ${version} is registered: roll it out by POST /v1/deployments/{name}/rollouts.`,
  )
}

/** With a code that no policy retries: the same retraining would find the same run, ended as it is. */
function failed(what: Ran, ended: Ended, then: string): Verdict<never> {
  const { code, message, details } = reasonOf(what, ended)
  const why = `Its ${WORDS[what]} ${ended.id} ended as ${ended.status}: ${message}${then}`
  return { do: 'fail', error: { code: 'wrong_state', message: why, details: { ...details, cause: code } } }
}

function reasonOf(what: Ran, { id, status, error }: Ended): Reason {
  const { code, message, details } = error ?? { code: status, message: `It is ${status}.` }
  return { code, message, details: { ...details, [what]: id } }
}
