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
  readonly status: RunStatus
  readonly error: Reason | null
  /** That a training has registered. */
  readonly version: number | null
}

/** `refuse`: an answer, with its evidence; `fail`: an accident, which only a person can make good. */
export type Verdict<T> =
  | ({ readonly do: 'go_on' } & T)
  | { readonly do: 'refuse'; readonly error: Reason }
  | { readonly do: 'fail'; readonly error: Reason }

/** What the end of its training makes of a retraining. */
export function afterTraining(training: Ended): Verdict<{ readonly version: number }> {
  const { id, status, version } = training
  if (status === 'succeeded') return { do: 'go_on', version: version! }
  if (status === 'refused') return { do: 'refuse', error: reasonOf('training', training) }
  return failed(
    'training',
    training,
    `Retry it by POST /v1/trainings/${id}/retry, then the retraining: it goes on from there.`,
  )
}

/** What the end of its rollout makes of a retraining. */
export function afterRollout(rollout: Ended, version: number): Verdict<object> {
  if (rollout.status === 'succeeded') return { do: 'go_on' }
  if (rollout.status === 'refused') return { do: 'refuse', error: reasonOf('rollout', rollout) }
  return failed(
    'rollout',
    rollout,
    `Version ${version} is registered: roll it out by POST /v1/deployments/{name}/rollouts.`,
  )
}

/** With a code that no policy retries: the same retraining would find the same run, ended as it is. */
function failed(what: 'training' | 'rollout', ended: Ended, then: string): Verdict<never> {
  const { code, message, details } = reasonOf(what, ended)
  const why = `Its ${what} ${ended.id} ended as ${ended.status}: ${message} ${then}`
  return { do: 'fail', error: { code: 'wrong_state', message: why, details: { ...details, cause: code } } }
}

function reasonOf(what: 'training' | 'rollout', { id, status, error }: Ended): Reason {
  const { code, message, details } = error ?? { code: status, message: `It is ${status}.` }
  return { code, message, details: { ...details, [what]: id } }
}
