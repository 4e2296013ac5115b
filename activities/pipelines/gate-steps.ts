import type { OpenGate, StepAnswer, StepInput, StepReport } from '../../contracts/temporal/pipelines.js'
import type { Json } from '../../domain/canonical-json.js'
import { MlforgeError } from '../../domain/errors.js'
import type { ReadStep } from './read-step.js'
import type { StepResult } from './step-context.js'
import { attempt, finishStep, takeStep } from './step-work.js'
import { lookFor, type SensorStepPorts } from './steps/sensor.js'

/** How a step is done that waits for an answer or a time. */
export interface GateKind {
  /**
   * Says what is waited for, and tells people of it.
   * @param since when the step began, epoch milliseconds
   */
  readonly open: (input: StepInput, step: ReadStep, since: number) => Promise<OpenGate>
  /** The source that something is waited for of, where that is what ends the step. */
  readonly sourceOf?: (step: ReadStep) => Json | undefined
  /** What the step gives. @throws MlforgeError where the answer is no */
  readonly outcome: (input: StepInput, answer: StepAnswer) => Extract<StepResult, { outputs: unknown }>
}

/** Says that a step waits, or ends it by its answer. How long it waits counts from its first beginning. */
export async function doGate(ports: SensorStepPorts, input: StepInput, kind: GateKind): Promise<StepReport> {
  const { step, begun } = await takeStep(ports, input)
  if ('report' in begun) return begun.report
  const wanted = kind.sourceOf?.(step)
  // What it has had before counts: it is a state that is waited for.
  if (wanted !== undefined) return lookFor(ports, input, { step, begun }, wanted, new Date(0))
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
