import type { Json } from '../../../domain/canonical-json.js'
import { storableJson } from '../../../domain/storable.js'
import { checkedRequest, type HttpRequest, shownTarget } from '../http-request.js'
import { type HttpAnswer, send } from '../http-send.js'
import type { StepRunner } from '../step-context.js'

/** Sends a request: at least once, with the same Idempotency-Key on each try. */
export function httpStep(): StepRunner {
  return async context => {
    const request = checkedRequest(context.inputs as unknown as HttpRequest, context)
    const target = shownTarget(request.method, request.url)
    context.log(`${target} with headers ${[...request.headers.keys()].join(', ')}`)
    const answer = await send(request, context.signal)
    context.log(`${target} was answered by status ${answer.status}, ${answer.body.length} bytes`)
    return { outputs: { status: answer.status, body: storableJson(bodyOf(answer)) } }
  }
}

/** JSON where it says that it is, and is; else text. Nothing at all is null. */
function bodyOf({ contentType, body }: HttpAnswer): Json {
  const text = body.toString()
  if (text === '') return null
  if (!/^application\/([^;]*\+)?json\b/i.test(contentType)) return text
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}
