import { parentPort } from 'node:worker_threads'
import { compareColumn, reportWindow } from '../domain/drift/window-report.js'
import { MlforgeError } from '../domain/errors.js'
import type { AssessmentReply, AssessmentRequest, Assessments } from './assessment-messages.js'

// A thread for the arithmetic of a drift check, so that a million rows hold up nobody else's heartbeats.

function answer(request: AssessmentRequest): Assessments[keyof Assessments]['result'] {
  switch (request.name) {
    case 'compareColumn':
      return compareColumn(...request.arguments)
    case 'reportWindow':
      return reportWindow(...request.arguments)
  }
}

function reply(request: AssessmentRequest): AssessmentReply {
  try {
    return { result: answer(request) }
  } catch (error) {
    const code = error instanceof MlforgeError ? error.code : 'internal'
    return { error: { code, message: error instanceof Error ? error.message : String(error) } }
  }
}

const port = parentPort!
port.on('message', (request: AssessmentRequest) => port.postMessage(reply(request)))
