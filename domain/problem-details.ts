import { ERROR_CODES, MlforgeError, type Problem } from './errors.js'

/** The body of an error answer as RFC 9457 has it; what else the error's details hold comes beside it. */
export interface ProblemBody {
  type: string
  title: string
  status: number
  detail: string
  code: string
  instance: string
  requestId: string
  problems?: Problem[]
  [extension: string]: unknown
}

/** How an error is answered, the same by the control plane and by serving. */
export function problemDetails(error: MlforgeError, path: string, requestId: string): ProblemBody {
  const { problems, ...rest } = error.details
  const title = error.code.replaceAll('_', ' ')
  return {
    ...rest,
    type: `urn:mlforge:error:${error.code}`,
    title: title[0]!.toUpperCase() + title.slice(1),
    status: ERROR_CODES[error.code].http,
    detail: error.message,
    code: error.code,
    instance: path,
    requestId,
    ...(problems ? { problems: problems.map(({ at, message }) => ({ at, message })) } : {}),
  }
}

/** The error for a body that does not parse, with the parser's own words on where it stops. */
export function notJson(body: string): MlforgeError {
  let reason: string
  try {
    JSON.parse(body)
    reason = 'a member "__proto__", or "prototype" of a "constructor", is not taken'
  } catch (syntax) {
    reason = (syntax as Error).message
  }
  return new MlforgeError('invalid_request', `The body is not JSON: ${reason}.`, {
    problems: [{ at: 'body', message: reason }],
  })
}
