import { Context } from '@temporalio/activity'
import type { Logger } from 'pino'
import { MlforgeError } from '../../../domain/errors.js'
import { effectKey } from '../../../domain/names.js'
import { inputInvalid } from '../../../domain/pipelines/invalid-input.js'
import { assertYes, type GateKind } from '../gate-steps.js'
import { checkedRequest } from '../http-request.js'
import { send } from '../http-send.js'
import { roleProblems } from '../roles.js'

const LEAST_REMIND_SECONDS = 60
const TELL_MS = 10_000

/** Waits until somebody of a role approves or rejects. A webhook that fails keeps nobody from answering. */
export function approveStep({ logger }: { readonly logger: Pick<Logger, 'warn'> }): GateKind {
  return {
    async open(input, { spec, type, inputs }, since) {
      const roles = inputs['roles'] as readonly string[]
      const remindEvery = inputs['remindEverySeconds'] as number | undefined
      assertUsable(roles, remindEvery)
      const { runId: run, step, name: pipeline, reminder = 0 } = input
      if (inputs['webhook'] !== undefined) {
        const key = `${effectKey(input, step)}/r${reminder}`
        const body = { text: String(inputs['message']), pipeline, run, step }
        const url = String(inputs['webhook'])
        const signal = AbortSignal.any([Context.current().cancellationSignal, AbortSignal.timeout(TELL_MS)])
        await send(checkedRequest({ url, method: 'POST', body }, { effectKey: key }), signal).catch(
          (error: unknown) =>
            logger.warn({ run, step, error: String(error) }, 'an approval was not asked for'),
        )
      }
      return {
        kind: 'approval',
        roles,
        until: null,
        expires: since + (spec.timeoutSeconds ?? type.timeoutSeconds) * 1000,
        remindEveryMs: remindEvery === undefined ? null : remindEvery * 1000,
      }
    },

    outcome(input, answer) {
      assertYes(input, answer)
      if (answer.kind !== 'approve') throw new MlforgeError('internal', `${answer.kind} approves nothing.`)
      const { by, reason } = answer
      return { outputs: { by, reason }, note: `approved by ${by}` }
    },
  }
}

function assertUsable(roles: readonly string[], remindEvery: number | undefined): void {
  const problems = roleProblems(roles)
  if (remindEvery !== undefined && remindEvery < LEAST_REMIND_SECONDS) {
    problems.push({ at: 'remindEverySeconds', message: `must be at least ${LEAST_REMIND_SECONDS}.` })
  }
  if (problems.length > 0) throw inputInvalid(problems)
}
