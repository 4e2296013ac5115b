import { checkedRequest, shownTarget } from '../http-request.js'
import { send } from '../http-send.js'
import type { StepRunner } from '../step-context.js'

/** Tells somebody by a webhook: at least once, with the same Idempotency-Key on each try. */
export function notifyStep(): StepRunner {
  return async context => {
    const { url, text } = context.inputs as { url: string; text: string }
    const { pipeline, runId: run, step } = context
    const body = { text, pipeline, run, step }
    const request = checkedRequest({ url, method: 'POST', body }, context)
    const { status } = await send(request, context.signal)
    context.log(`${shownTarget('POST', request.url)} was told, and answered by status ${status}`)
    return { outputs: { status } }
  }
}
