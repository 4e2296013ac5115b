import { MlforgeError } from '../../../domain/errors.js'
import { assertYes, type GateKind } from '../gate-steps.js'

const INSTANT = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/

/** Waits for one thing: some seconds, a moment, or an event. */
export function waitStep(): GateKind {
  return {
    open(_, { spec, type, inputs }, since) {
      const { seconds, until, event } = inputs as { seconds?: number; until?: string; event: boolean }
      const given = [seconds !== undefined, until !== undefined, event].filter(Boolean).length
      if (given !== 1) throw invalid('Give one of seconds, until and event.')
      if (seconds !== undefined && seconds < 0) throw invalid(`${seconds} seconds are none to wait for.`)
      if (until !== undefined && !(INSTANT.test(until) && Number.isFinite(Date.parse(until)))) {
        throw invalid(`"${until}" is no ISO 8601 time with an offset, such as 2026-01-31T12:00:00Z.`)
      }
      const moment = seconds === undefined ? until && Date.parse(until) : since + seconds * 1000
      return Promise.resolve({
        kind: event ? 'event' : 'time',
        roles: null,
        until: moment === undefined || moment === '' ? null : moment,
        expires: since + (spec.timeoutSeconds ?? type.timeoutSeconds) * 1000,
        remindEveryMs: null,
      })
    },

    outcome(input, answer) {
      assertYes(input, answer)
      const payload = answer.kind === 'release' ? answer.payload : null
      return {
        outputs: { payload },
        ...(answer.kind === 'release' ? { note: `released by ${answer.by}` } : {}),
      }
    },
  }
}

function invalid(message: string): MlforgeError {
  return new MlforgeError('step_input_invalid', message)
}
