import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  ContinueAsNew,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { InterpretActivities } from '../activities/pipelines/interpret.js'
import type { QueueActivities } from '../activities/pipelines/queue.js'
import type { RunFailure, RunInput } from '../contracts/temporal/messages.js'
import {
  answerStep,
  type CarriedSteps,
  type Asked,
  type PipelineEnd,
  type PipelineInput,
  type PipelineLive,
  type PipelinePlan,
  type PipelineResult,
  pipelineVerb,
  type PipelineVerb,
  type PlannedStep,
  type RollBackPlan,
  type StepEnd,
} from '../contracts/temporal/pipelines.js'
import { compensationOf } from '../domain/pipelines/compensations.js'
import { describeSteps } from '../domain/pipelines/describe.js'
import { describeGate } from '../domain/pipelines/gates.js'
import { isOver, readySteps, runOutcome, settle, type StepState } from '../domain/pipelines/progress.js'
import { ROWS } from './activity-presets.js'
import { describeFailure } from './failures.js'
import { Gates } from './gates.js'
import { Queue } from './queue.js'
import { askedEnd, withRollBack } from './roll-back.js'
import { asRun, type RunHandle } from './run-shell.js'
import { toEndOfStep } from './step-run.js'

const { planPipeline, planRollBack, recordSteps } = proxyActivities<InterpretActivities>(ROWS)
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
  /** The history has become long: nothing begins any more, and waits are left, to be taken up again. */
  private cutting = false
  private readonly left = new Set<number>()
  private stage: PipelineLive['stage'] = 'plan'
  /** The steps, which a roll back stops; undefined before they begin and once they have ended. */
  private forward: CancellationScope | undefined
  private rollBackAsked: Asked | undefined
  private handle: RunHandle<PipelineLive> | null = null

  constructor(
    private readonly input: RunInput,
    private paused: Asked | null,
    private readonly carried: CarriedSteps = { ended: [], failures: [] },
  ) {
    this.gates = new Gates(input.runId, () => this.changes++, carried.gates)
    const isPaused = () => this.paused !== null
    this.queue = new Queue(input, () => this.changes++, isPaused)
    setHandler(answerStep, verb => this.gates.take(verb), { validator: verb => this.gates.refuse(verb) })
    setHandler(pipelineVerb, verb => this.take(verb), { validator: verb => this.refuse(verb) })
  }

  async run(run: RunHandle<PipelineLive>): Promise<PipelineResult> {
    const { input } = this
    this.handle = run
    this.plan = await planPipeline(input)
    this.rollBackAsked = this.plan.rollBackAsked
    this.states = this.plan.steps.map(({ done }) => (done ? 'succeeded' : 'waiting'))
    // What has failed before the history was cut is not begun again in this attempt.
    for (const [at, state] of this.carried.ended) this.states[at] = state
    for (const [at, failure] of this.carried.failures) this.failures.set(at, failure)
    for (const [at, { taken }] of this.plan.steps.entries())
      if (taken !== undefined) this.taken.set(at, taken)
    const end = this.carried.rollBack?.end ?? (await this.goForward(run))
    return this.conclude(await this.rolledBack(run, end))
  }

  /** Does the steps, until nothing works and nothing can begin, or somebody wants them undone. */
  private async goForward(run: RunHandle<PipelineLive>): Promise<PipelineEnd> {
    if (this.rollBackAsked) return askedEnd(this.rollBackAsked)
    this.forward = new CancellationScope()
    try {
      await this.forward.run(async () => {
        if (this.plan.queued) await this.turn(run)
        await this.work(run)
      })
      return this.end()
    } catch (error) {
      if (!(error instanceof ContinueAsNew)) {
        await CancellationScope.nonCancellable(() => Promise.all(this.working.values()))
      }
      // A run that was cancelled too ends so.
      if (!this.rollBackAsked || CancellationScope.current().consideredCancelled) throw error
      return askedEnd(this.rollBackAsked)
    } finally {
      this.forward = undefined
    }
  }

  /** Undoes the steps of a run that has not ended well, the last first; stops at one that cannot be undone. */
  private async rolledBack(run: RunHandle<PipelineLive>, end: PipelineEnd): Promise<PipelineEnd> {
    const { plan, carried } = this
    const isBad = end.outcome === 'failed' || end.outcome === 'refused'
    if (!isBad || plan.rollBack === undefined) return end
    if (plan.rollBack === 'on_request' && !this.rollBackAsked && !carried.rollBack) return end
    this.stage = 'roll_back'
    run.stage(this.stage)
    const undone = [...(carried.rollBack?.undone ?? [])]
    const { steps } = await planRollBack(this.input)
    for (const planned of steps) {
      this.show(run)
      await condition(() => this.paused === null)
      if (workflowInfo().continueAsNewSuggested) await this.cut({ end, undone })
      const failure = await this.undo(planned, { end, undone })
      const { name } = plan.steps[planned.at]!
      if (failure) return withRollBack(end, undone, { ...failure, step: name })
      this.states[planned.at] = 'undone'
      undone.push(name)
    }
    return withRollBack(end, undone)
  }

  /** @returns why a step cannot be undone, null where it is */
  private async undo(
    { at, generation, ...planned }: RollBackPlan['steps'][number],
    progress: NonNullable<CarriedSteps['rollBack']>,
  ): Promise<RunFailure | null> {
    const step = compensationOf(this.plan.steps[at]!.name)
    const leave = {
      isDue: () => workflowInfo().continueAsNewSuggested,
      untilCut: () => this.cut(progress),
    }
    try {
      const { gates, queue } = this
      await toEndOfStep({ ...this.input, step, generation }, planned, gates, leave, queue)
      return null
    } catch (error) {
      if (error instanceof ContinueAsNew) throw error
      const failure = await this.recordEnd(step, generation, error)
      if (isCancellation(error)) throw error
      return failure.error
    }
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
    for (const at of this.carried.left ?? []) if (this.states[at] === 'waiting') this.begin(at)
    for (;;) {
      if (workflowInfo().continueAsNewSuggested) this.cutting = true
      this.states = settle(this.plan, this.states, this.taken)
      if (!this.paused && !this.cutting)
        for (const at of readySteps(this.plan, this.states, this.taken)) this.begin(at)
      this.show(run)
      if (this.working.size === 0 && this.states.every(isOver)) return
      if (this.cutting && this.working.size === this.left.size) await this.cut()
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
      const { gates, queue } = this
      const leave = { isDue: () => this.cutting, untilCut: () => this.untilCut(at) }
      const report = await toEndOfStep({ ...input, step, generation }, planned, gates, leave, queue)
      if (report.note !== undefined) this.notes.set(at, report.note)
      if (report.taken !== undefined) this.taken.set(at, report.taken)
      return 'succeeded'
    } catch (error) {
      const { state, error: failure } = await this.recordEnd(step, generation, error)
      this.failures.set(at, failure)
      return state
    }
  }

  /** Left to be taken up by the execution that follows; until then it is under way, and can be cancelled. */
  private async untilCut(at: number): Promise<never> {
    this.left.add(at)
    this.changes++
    try {
      return await CancellationScope.current().cancelRequested
    } finally {
      this.left.delete(at)
    }
  }

  /** Writes how a step has ended whose own activity could not. */
  private async recordEnd(
    step: string,
    generation: number,
    thrown: unknown,
  ): Promise<{ readonly state: StepState; readonly error: RunFailure }> {
    const { runId, attempt } = this.input
    const { status, error } = describeFailure(thrown)
    const state = status === 'cancelled' || status === 'refused' ? status : 'failed'
    const ends: StepEnd[] = [{ step, generation, state, error }]
    await CancellationScope.nonCancellable(() =>
      recordSteps.executeWithOptions({ summary: `${step} is ${state}` }, [{ runId, attempt, ends }]),
    )
    return { state, error }
  }

  /** A run ends as its worst step has. */
  private end(): PipelineEnd {
    const { states } = this
    const outcome = runOutcome(states)
    if (outcome === 'succeeded') return { outcome }
    const at = states.indexOf(outcome)
    const failure = this.failures.get(at)!
    const { name } = this.plan.steps[at]!
    const error: RunFailure = {
      ...failure,
      message: `Step "${name}": ${failure.message}`,
      details: { ...failure.details, step: name },
    }
    return { outcome, error }
  }

  private conclude({ outcome, error }: PipelineEnd): PipelineResult {
    const steps: Partial<Record<StepState, number>> = {}
    for (const state of this.states) steps[state] = (steps[state] ?? 0) + 1
    if (outcome === 'succeeded') return { outcome, steps }
    if (outcome === 'refused') return { outcome, error: error!, steps }
    const { code, message, details } = error!
    throw ApplicationFailure.create({ type: code, message, nonRetryable: true, details: [details] })
  }

  private async cut(rollBack?: CarriedSteps['rollBack']): Promise<never> {
    await condition(allHandlersFinished)
    const { input, paused } = this
    // The ledger has what has succeeded, until what it follows from is undone.
    const ended = this.states.flatMap((state, at) =>
      isOver(state) && (state !== 'succeeded' || rollBack) ? [[at, state] as const] : [],
    )
    const firsts = ['failed', 'refused', 'cancelled'].map(state =>
      this.states.findIndex(each => each === state),
    )
    const failures = [...this.failures].filter(([at]) => firsts.includes(at))
    return continueAsNew<typeof runPipeline>({
      ...input,
      paused,
      carried: {
        ended,
        failures,
        ...(rollBack ? { rollBack } : { left: [...this.left], gates: this.gates.carried() }),
      },
    })
  }

  private take({ verb, by, reason }: PipelineVerb): { readonly paused: boolean } {
    // Who has paused it first has: pausing it twice is once.
    if (verb === 'pause') this.paused ??= { by, reason }
    else this.paused = null
    if (verb === 'roll_back' && this.forward) {
      this.rollBackAsked = { by, reason }
      this.forward.cancel()
    }
    this.changes++
    this.handle?.tell({ paused: this.paused })
    return { paused: this.paused !== null }
  }

  private refuse({ runId, verb }: PipelineVerb): void {
    const { input, stage, forward } = this
    if (runId !== input.runId) throw wrongState(`This is run ${input.runId}, not ${runId}.`)
    if (verb === 'roll_back' && stage !== 'roll_back' && !forward) {
      throw wrongState(`Run ${runId} is about to begin, or to end. Ask again in a moment.`)
    }
  }

  private show(run: RunHandle<PipelineLive>): void {
    const stage = this.paused ? 'paused' : this.forward ? 'run' : 'roll_back'
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

function wrongState(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, 'wrong_state')
}
