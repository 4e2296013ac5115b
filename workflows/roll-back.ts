import type { RunFailure } from '../contracts/temporal/messages.js'
import type { Asked, PipelineEnd } from '../contracts/temporal/pipelines.js'

/** How a run ends that somebody wanted rolled back. */
export function askedEnd({ by, reason }: Asked): PipelineEnd {
  const why = reason === null ? '' : `: ${reason}`
  const message = `It was rolled back by ${by}${why}.`
  return { outcome: 'refused', error: { code: 'rolled_back', message, details: { by, reason } } }
}

/**
 * The end of a run with what was undone, for people and for programs. It keeps its code: what was to be rolled
 * back is not started again by itself because something could not be undone.
 */
export function withRollBack(
  { outcome, error }: PipelineEnd,
  undone: readonly string[],
  failed?: RunFailure & { readonly step: string },
): PipelineEnd {
  const list = undone.length === 0 ? 'Nothing was undone' : `Undone: ${undone.join(', ')}`
  const stuck = failed ? `; "${failed.step}" could not be undone: ${failed.message}` : '.'
  return {
    outcome: failed ? 'failed' : outcome,
    error: {
      code: error!.code,
      message: `${error!.message} ${list}${stuck}`,
      details: { ...error!.details, rollBack: { undone, ...(failed ? { failed } : {}) } },
    },
  }
}
