import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  ContinueAsNew,
  continueAsNew,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { InterpretActivities } from '../activities/pipelines/interpret.js'
import type { QueueActivities } from '../activities/pipelines/queue.js'
import type { RunFailure } from '../contracts/temporal/messages.js'
import {
  answerStep,
  type CarriedSteps,
  type PauseState,
  type PipelineInput,
  type PipelineLive,
  type PipelinePlan,
  type PipelineResult,
  pipelineVerb,
  type PipelineVerb,
  type PlannedStep,
  type StepEnd,
} from '../contracts/temporal/pipelines.js'
import { describeSteps } from '../domain/pipelines/describe.js'
import { describeGate } from '../domain/pipelines/gates.js'
import { isOver, readySteps, runOutcome, settle, type StepState } from '../domain/pipelines/progress.js'
import { ROWS } from './activity-presets.js'
import { describeFailure } from './failures.js'
import { Gates } from './gates.js'
import { Queue } from './queue.js'
import { asRun, type RunHandle } from './run-shell.js'
import { toEndOfStep } from './step-run.js'

const { planPipeline, recordSteps } = proxyActivities<InterpretActivities>(ROWS)
const { takeTurn } = proxyActivities<QueueActivities>(ROWS)

/**
 * Interprets a pipeline: begins each step once all it needs has succeeded, and ends when nothing works and
 * nothing can begin. What a step is to do is read where it is done; this knows the graph alone. Every
 * outcome is in the step ledger, so another attempt, or a history that was cut, goes on where this ended.
 */
export async function runPipeline({ paused, carried, ...input }: PipelineInput): Promise<PipelineResult> {
  const shell = new PipelineShell(input, paused ?? null, carried)
  return asRun<PipelineLive, PipelineResult>(input, { stage: 'plan' }, run => shell.run(run))
}

class PipelineShell {
  private plan: PipelinePlan = { steps: [], parallel: 1, onFailure: 'stop' }
  private states: StepState[] = []
  private readonly failures = new Map<number, RunFailure>()
  private readonly notes = new Map<number, string>()
  private readonly taken = new Map<number, string>()
  private readonly gates: Gates
  private readonly queue: Queue
  private readonly working = new Map<number, Promise<void>>()
  /** Grows with everything that the loop has to look at. */
  private changes = 0
  /** The history has become long: nothing begins any more, and waits for runs are left, to be taken up again. */
  private cutting = false
  private stage: PipelineLive['stage'] = 'plan'
  private handle: RunHandle<PipelineLive> | null = null

  constructor(
    private readonly input: PipelineInput,
    private paused: PauseState | null,
    private readonly carried: CarriedSteps = { ended: [], failures: [] },
  ) {
    this.gates = new Gates(input.runId, () => this.changes++)
    const isPaused = () => this.paused !== null
    this.queue = new Queue(input, () => this.changes++, isPaused)
    setHandler(answerStep, verb => this.gates.take(verb), { validator: verb => this.gates.refuse(verb) })
    setHandler(pipelineVerb, verb => this.take(verb), { validator: verb => this.refuse(verb) })
  }

  async run(run: RunHandle<PipelineLive>): Promise<PipelineResult> {
    const { input } = this
    this.handle = run
    this.plan = await planPipeline(input)
    this.states = this.plan.steps.map(({ done }) => (done ? 'succeeded' : 'waiting'))
    // What has failed before the history was cut is not begun again in this attempt.
    for (const [at, state] of this.carried.ended) this.states[at] = state
    for (const [at, failure] of this.carried.failures) this.failures.set(at, failure)
    for (const [at, { taken }] of this.plan.steps.entries())
      if (taken !== undefined) this.taken.set(at, taken)
    if (this.plan.queued) await this.turn(run)
    try {
      await this.work(run)
    } catch (error) {
      if (!(error instanceof ContinueAsNew)) {
        await CancellationScope.nonCancellable(() => Promise.all(this.working.values()))
      }
      throw error
    }
    return this.end()
  }

  /** As many runs of the pipeline are open as may be: nothing begins before one of them has ended. */
  private async turn(run: RunHandle<PipelineLive>): Promise<void> {
    run.stage('queued')
    const isCut = () => workflowInfo().continueAsNewSuggested
    do {
      if (!(await this.queue.wait({ runId: this.input.runId }, 'turn', isCut))) await this.cut()
    } while (!(await takeTurn(this.input)))
    run.stage('run')
  }

  private async work(run: RunHandle<PipelineLive>): Promise<void> {
    for (;;) {
      if (workflowInfo().continueAsNewSuggested) this.cutting = true
      this.states = settle(this.plan, this.states, this.taken)
      if (!this.paused && !this.cutting)
        for (const at of readySteps(this.plan, this.states, this.taken)) this.begin(at)
      this.show(run)
      if (this.working.size === 0) {
        if (this.states.every(isOver)) return
        if (this.cutting) await this.cut()
      }
      const seen = this.changes
      await condition(() => this.changes !== seen)
    }
  }

  private begin(at: number): void {
    this.states[at] = 'running'
    const done = this.step(this.plan.steps[at]!, at).then(state => {
      this.states[at] = state
      this.working.delete(at)
      this.changes++
    })
    this.working.set(at, done)
  }

  /** Never throws: how a step ends is a state. */
  private async step(planned: PlannedStep, at: number): Promise<StepState> {
    const { input } = this
    const { name: step, generation = 1 } = planned
    try {
      const isLeft = () => this.cutting
      const report = await toEndOfStep(
        { ...input, step, generation },
        planned,
        this.gates,
        isLeft,
        this.queue,
      )
      // Left to be taken up by the execution that follows: until then it is under way.
      if (report === null) return 'running'
      if (report.note !== undefined) this.notes.set(at, report.note)
      if (report.taken !== undefined) this.taken.set(at, report.taken)
      return 'succeeded'
    } catch (error) {
      const { status, error: failure } = describeFailure(error)
      const state = status === 'cancelled' || status === 'refused' ? status : 'failed'
      this.failures.set(at, failure)
      const ends: StepEnd[] = [{ step, generation, state, error: failure }]
      await CancellationScope.nonCancellable(() =>
        recordSteps.executeWithOptions({ summary: `${step} is ${state}` }, [
          { runId: input.runId, attempt: input.attempt, ends },
        ]),
      )
      return state
    }
  }

  /** A run ends as its worst step has. */
  private end(): PipelineResult {
    const { states } = this
    const steps: Partial<Record<StepState, number>> = {}
    for (const state of states) steps[state] = (steps[state] ?? 0) + 1
    const outcome = runOutcome(states)
    if (outcome === 'succeeded') return { outcome, steps }
    const at = states.indexOf(outcome)
    const failure = this.failures.get(at)!
    const { name } = this.plan.steps[at]!
    const error: RunFailure = {
      ...failure,
      message: `Step "${name}": ${failure.message}`,
      details: { ...failure.details, step: name },
    }
    if (outcome === 'refused') return { outcome, error, steps }
    const { code, message, details } = error
    throw ApplicationFailure.create({ type: code, message, nonRetryable: true, details: [details] })
  }

  private async cut(): Promise<void> {
    await condition(allHandlersFinished)
    const { input, paused } = this
    const ended = this.states.flatMap((state, at) =>
      isOver(state) && state !== 'succeeded' ? [[at, state] as const] : [],
    )
    const firsts = ['failed', 'refused', 'cancelled'].map(state =>
      this.states.findIndex(each => each === state),
    )
    const failures = [...this.failures].filter(([at]) => firsts.includes(at))
    await continueAsNew<typeof runPipeline>({ ...input, paused, carried: { ended, failures } })
  }

  private take({ verb, by, reason }: PipelineVerb): { readonly paused: boolean } {
    // Who has paused it first has: pausing it twice is once.
    this.paused = verb === 'pause' ? (this.paused ?? { by, reason }) : null
    this.changes++
    this.handle?.tell({ paused: this.paused })
    return { paused: this.paused !== null }
  }

  private refuse({ runId }: PipelineVerb): void {
    if (runId === this.input.runId) return
    throw ApplicationFailure.nonRetryable(`This is run ${this.input.runId}, not ${runId}.`, 'wrong_state')
  }

  private show(run: RunHandle<PipelineLive>): void {
    const stage = this.paused ? 'paused' : 'run'
    // Each change of the stage is an event of the history; the states of steps are rows.
    if (stage !== this.stage) run.stage(stage)
    this.stage = stage
    const open = this.gates.list()
    run.tell({ paused: this.paused, open })
    const waits = new Map([
      ...open.map(({ step, gate }) => [step, `waits for ${describeGate(gate)}`] as const),
      ...[...this.queue.list()].map(([step, pool]) => [step, `waits for slots of ${pool}`] as const),
    ])
    const seen = this.plan.steps.map(({ name }, at) => ({
      name,
      state: this.states[at]!,
      note: this.failures.get(at)?.message ?? this.notes.get(at) ?? waits.get(name),
    }))
    for (const [what, value] of describeSteps(seen)) run.show(what, value)
  }
}
