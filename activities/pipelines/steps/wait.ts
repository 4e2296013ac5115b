import type { Json } from '../../../domain/canonical-json.js'
import { MlforgeError } from '../../../domain/errors.js'
import { assertYes, type GateKind } from '../gate-steps.js'

const INSTANT = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/

/** Waits for one thing: some seconds, a moment, an event, or something that a source has. */
export function waitStep(): GateKind {
  return {
    open(_, { spec, type, inputs }, since) {
      const { seconds, until, event } = inputs as Given
      assertOne(inputs as Given)
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

    sourceOf({ inputs }) {
      const { condition } = inputs as Given
      if (condition !== undefined) assertOne(inputs as Given)
      return condition
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

interface Given {
  readonly seconds?: number
  readonly until?: string
  readonly event?: boolean
  readonly condition?: Json
}

function assertOne({ seconds, until, event, condition }: Given): void {
  const given = [seconds !== undefined, until !== undefined, event === true, condition !== undefined]
  if (given.filter(Boolean).length !== 1) throw invalid('Give one of seconds, until, event and condition.')
}

function invalid(message: string): MlforgeError {
  return new MlforgeError('step_input_invalid', message)
}
