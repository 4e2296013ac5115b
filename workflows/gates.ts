import { ApplicationFailure, condition, workflowInfo } from '@temporalio/workflow'
import type {
  CarriedGates,
  OpenGate,
  OpenStep,
  StepAnswer,
  StepAnswerVerb,
} from '../contracts/temporal/pipelines.js'
import { answerProblem } from '../domain/pipelines/gates.js'

/** Steps of a run that wait for an answer or a time. */
export class Gates {
  private readonly open: Map<string, OpenGate>
  private readonly answers: Map<string, StepAnswer>

  /** @param changed called when a step begins or ends to wait, or is answered */
  constructor(
    private readonly runId: string,
    private readonly changed: () => void,
    { open, answers }: CarriedGates = { open: [], answers: [] },
  ) {
    this.open = new Map(open.map(({ step, gate }) => [step, gate]))
    this.answers = new Map(answers)
  }

  /** Those that wait, in the order in which they began to. */
  list(): OpenStep[] {
    return [...this.open].map(([step, gate]) => ({ step, gate }))
  }

  /** What the execution that follows a cut has to know of them. */
  carried(): CarriedGates {
    return { open: this.list(), answers: [...this.answers].filter(([step]) => this.open.has(step)) }
  }

  take({ step, answer }: StepAnswerVerb): { readonly taken: true } {
    this.answers.set(step, answer)
    this.changed()
    return { taken: true }
  }

  refuse(verb: StepAnswerVerb): void {
    const { runId, step } = verb
    if (runId !== this.runId) {
      throw ApplicationFailure.nonRetryable(`This is run ${this.runId}, not ${runId}.`, 'wrong_state')
    }
    const problem = answerProblem(step, this.open.get(step), this.answers.get(step), verb)
    if (problem) throw ApplicationFailure.nonRetryable(problem.message, problem.code)
  }

  /**
   * What ends the waiting of a step.
   * @returns `remind` where somebody is to be reminded first, null where the step was left
   */
  async wait(
    step: string,
    gate: OpenGate,
    remindAt: number | null,
    isLeft: () => boolean,
  ): Promise<StepAnswer | 'remind' | null> {
    this.open.set(step, gate)
    this.changed()
    for (;;) {
      const answer = this.answers.get(step)
      if (answer) {
        this.open.delete(step)
        return answer
      }
      if (isLeft() || workflowInfo().continueAsNewSuggested) return null
      const now = Date.now()
      if (gate.until !== null && now >= gate.until) return this.ended(step, { kind: 'time' })
      if (now >= gate.expires) return this.ended(step, { kind: 'expired' })
      if (remindAt !== null && now >= remindAt) return 'remind'
      const next = Math.min(gate.expires, gate.until ?? Infinity, remindAt ?? Infinity)
      await condition(() => this.answers.has(step) || isLeft(), next - now, { summary: step })
    }
  }

  private ended(step: string, answer: StepAnswer): StepAnswer {
    // From here on nobody's answer counts any more: a verb that comes now is refused.
    this.open.delete(step)
    return answer
  }
}
