import type { OpenGate, StepAnswer, StepInput, StepReport } from '../../contracts/temporal/pipelines.js'
import { MlforgeError } from '../../domain/errors.js'
import type { ReadStep } from './read-step.js'
import type { StepResult } from './step-context.js'
import { attempt, finishStep, type StepPorts, takeStep } from './step-work.js'

/** How a step is done that waits for an answer or a time. */
export interface GateKind {
  /**
   * Says what is waited for, and tells people of it.
   * @param since when the step began, epoch milliseconds
   */
  readonly open: (input: StepInput, step: ReadStep, since: number) => Promise<OpenGate>
  /** What the step gives. @throws MlforgeError where the answer is no */
  readonly outcome: (input: StepInput, answer: StepAnswer) => Extract<StepResult, { outputs: unknown }>
}

/** Says that a step waits, or ends it by its answer. How long it waits counts from its first beginning. */
export async function doGate(ports: StepPorts, input: StepInput, kind: GateKind): Promise<StepReport> {
  const { step, begun } = await takeStep(ports, input)
  if ('report' in begun) return begun.report
  const { fence, row } = begun
  return attempt(ports, input, step, begun, async () => {
    const { answer } = input
    if (!answer) return { state: 'open', gate: await kind.open(input, step, row.startedAt.getTime()) }
    const outcome = kind.outcome(input, answer)
    return finishStep(ports, input, fence, { effect: () => Promise.resolve(outcome), memo: null })
  })
}

/** @throws MlforgeError for the answers that every such step has for a no */
export function assertYes({ step }: StepInput, answer: StepAnswer): void {
  if (answer.kind === 'expired') {
    throw new MlforgeError('approval_expired', `Nobody has answered step "${step}" in its time.`)
  }
  if (answer.kind !== 'reject') return
  const why = answer.reason === null ? '' : `: ${answer.reason}`
  throw new MlforgeError('approval_rejected', `Step "${step}" was rejected by ${answer.by}${why}`)
}
