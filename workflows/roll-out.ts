import {
  type ActivityInterfaceFor,
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  ContinueAsNew,
  continueAsNew,
  currentUpdateInfo,
  patched,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { ModelActivities } from '../activities/models.js'
import type { RolloutActivities } from '../activities/rollouts.js'
import type { TrainingActivities } from '../activities/training.js'
import {
  type CarriedRollout,
  type RolloutFacts,
  type RolloutInput,
  type RolloutLive,
  type RolloutResult,
  rolloutVerb,
  type VerbAnswered,
  type VerbOrder,
} from '../contracts/temporal/rollouts.js'
import type { Assessment } from '../domain/rollouts/assess.js'
import { type Decision, decide } from '../domain/rollouts/decide.js'
import { candidateWeight, describeArms } from '../domain/rollouts/plans.js'
import { compensation, newRollout, type RolloutState } from '../domain/rollouts/state.js'
import type { Action, DecisionEntry } from '../domain/rollouts/turn.js'
import { applyVerb } from '../domain/rollouts/verbs.js'
import { dataWork, engineWork, ROWS, watch } from './activity-presets.js'
import { asRun, type RunHandle } from './run-shell.js'
import { lookEveryMs, untilChanged } from './waiting.js'

/** Answers to verbs that are remembered across histories, and after the end. */
const REMEMBERED = 200

const { recordDecisions, promoteVersion } = proxyActivities<RolloutActivities>(ROWS)

/**
 * Brings a version into service by its plan: decides, acts, looks, decides again. Every decision is
 * `decide`'s; this keeps its state, carries its actions out and takes verbs in between. However it
 * ends, all traffic is with a version that was serving well.
 */
export async function rollOut(input: RolloutInput): Promise<RolloutResult> {
  const shell = new RolloutShell(input)
  return asRun<RolloutLive, RolloutResult>(input, { stage: 'pending' }, run => shell.run(run))
}

class RolloutShell {
  private readonly steady: Pick<ActivityInterfaceFor<RolloutActivities>, 'lookAtRollout' | 'setPlan'>
  private state: RolloutState | undefined
  private facts: RolloutFacts
  private logged: number
  private readonly handled: Map<string, VerbAnswered>
  private readonly entries: DecisionEntry[] = []
  /** The last entry that says what the gates made of the evidence. */
  private judged: DecisionEntry | undefined
  private freezeUntil: number | null = null
  /** What the last look rested on. */
  private seen: string | undefined
  private woken = false

  constructor(private readonly input: RolloutInput) {
    // As rows, they never give up; they take longer, so that a lost worker is missed by its heartbeat.
    this.steady = proxyActivities<RolloutActivities>({
      ...ROWS,
      startToCloseTimeout: '2 minutes',
      heartbeatTimeout: `${input.limits.heartbeatTimeoutSeconds} seconds`,
    })
    const { state, facts, logged, handled, judged } = input.carried ?? {}
    this.state = state
    this.judged = judged
    this.facts = facts ?? {}
    this.logged = logged ?? 0
    this.handled = new Map(handled)
    // Before anything is awaited: a verb that comes early is refused with the reason, not lost.
    setHandler(rolloutVerb, verb => this.take(verb), { validator: verb => this.refuse(verb) })
  }

  async run(run: RunHandle<RolloutLive>): Promise<RolloutResult> {
    this.state ??= await this.begin(run)
    try {
      return await this.work(run)
    } catch (error) {
      if (!(error instanceof ContinueAsNew)) {
        await CancellationScope.nonCancellable(() => this.compensate())
        run.keep({ verbs: this.answers() })
      }
      throw error
    }
  }

  private async begin(run: RunHandle<RolloutLive>): Promise<RolloutState> {
    const { input } = this
    const { admitRollout, beginRollout } = proxyActivities<RolloutActivities>(dataWork(input.limits))
    const admission = await admitRollout(input)
    let version: number
    if ('version' in admission) version = admission.version
    else {
      const { exportModel } = proxyActivities<TrainingActivities>(engineWork(input.limits))
      const { registerVersion } = proxyActivities<ModelActivities>(dataWork(input.limits))
      await exportModel(admission.training)
      version = (await registerVersion({ ...admission.training, forced: admission.forced })).version
    }
    const plan = await beginRollout({ ...input, version })
    for (const note of plan.notes) run.warn([note])
    return newRollout(input.runId, plan)
  }

  private async work(run: RunHandle<RolloutLive>): Promise<RolloutResult> {
    for (;;) {
      const decision = await this.look()
      await this.tell(run, decision)
      const { action } = decision
      const state = this.state!
      switch (action.kind) {
        case 'preflight': {
          const { preflight } = proxyActivities<RolloutActivities>(dataWork(this.input.limits))
          const { candidate, stable } = state.plan
          this.facts = { ...this.facts, preflight: await preflight({ ...this.input, candidate, stable }) }
          break
        }
        case 'setPlan': {
          const { plan, purpose, issue } = action
          const reason = `${purpose}: ${describeArms(plan.arms)}`
          const answer = await this.steady.setPlan.executeWithOptions({ summary: reason }, [
            { ...this.input, issue: `plan-${issue}`, plan, reason },
          ])
          this.facts = { ...this.facts, issue: { id: issue, ...answer } }
          break
        }
        case 'promote':
          await promoteVersion({ ...this.input, version: action.version })
          this.facts = { ...this.facts, promoted: true }
          break
        case 'wait':
          await this.idle(action)
          break
        case 'finish':
          return { ...endOf(action, state, this.judged?.assessments ?? []), verbs: this.answers() }
      }
      await this.cutHistory()
    }
  }

  private async look(): Promise<Decision> {
    const { seen, ...look } = await this.steady.lookAtRollout(this.where())
    this.seen = seen
    this.freezeUntil = look.freezeUntil
    this.woken = false
    const decision = decide(this.state!, { ...look, ...this.facts, now: Date.now() })
    this.state = decision.state
    this.entries.push(...decision.entries)
    this.judged = decision.entries.findLast(entry => entry.verdict !== null) ?? this.judged
    return decision
  }

  private async tell(run: RunHandle<RolloutLive>, { action, assessments }: Decision): Promise<void> {
    const { status, plan, step, routing } = this.state!
    const waitingFor = action.kind === 'wait' ? action.for : null
    run.stage(status, {
      strategy: plan.strategy,
      candidate: plan.candidate,
      stable: plan.stable,
      step,
      steps: plan.steps.length,
      arms: routing?.arms ?? [],
      waitingFor,
      assessments,
    })
    run.show('version', `${plan.candidate}, against ${plan.stable ?? 'none'}`)
    run.show('step', `${Math.min(step + 1, plan.steps.length)} of ${plan.steps.length} (${plan.strategy})`)
    run.show('weight', `${candidateWeight(routing)} %`)
    run.show('waits for', waitingFor ?? 'nothing')
    for (const { gate, verdict, reason } of assessments) run.show(gate.kind, `${verdict}: ${reason}`)
    await this.writeLog()
  }

  private async writeLog(): Promise<void> {
    const entries = this.entries.splice(0)
    if (entries.length === 0) return
    const first = this.logged + 1
    this.logged += entries.length
    await recordDecisions.executeWithOptions({ summary: entries.at(-1)!.message.slice(0, 200) }, [
      { ...this.input, first, entries, stage: this.state!.status },
    ])
  }

  /** Where the rollout is: what a look has to look for. */
  private where() {
    const { plan, armsFrom, mirrorFrom } = this.state!
    const { stable, candidate } = plan
    return { ...this.input, stable, candidate, armsFrom, mirrorFrom }
  }

  private async idle({ until, for: what }: Extract<Action, { kind: 'wait' }>): Promise<void> {
    const { limits } = this.input
    const leftMs = until === null ? null : Math.max(1, until - Date.now())
    const { seen } = this
    // Rollouts that began before there was such a wait have looked without it.
    if (seen === undefined || !patched('wait-for-change')) {
      const everyMs = lookEveryMs(limits)
      await condition(() => this.woken, Math.min(everyMs, leftMs ?? everyMs))
      return
    }
    const { awaitRolloutChange } = proxyActivities<RolloutActivities>(watch(limits))
    const change = () =>
      awaitRolloutChange.executeWithOptions({ summary: what.slice(0, 200) }, [{ ...this.where(), seen }])
    await untilChanged(limits, change, { isWoken: () => this.woken, leftMs })
  }

  private async cutHistory(): Promise<void> {
    if (!workflowInfo().continueAsNewSuggested) return
    // A verb that comes while the log is written has a line of its own.
    do {
      await condition(allHandlersFinished)
      await this.writeLog()
    } while (this.entries.length > 0)
    const carried: CarriedRollout = {
      state: this.state!,
      facts: this.facts,
      logged: this.logged,
      handled: this.answers(),
      ...(this.judged ? { judged: this.judged } : {}),
    }
    await continueAsNew<typeof rollOut>({ ...this.input, carried })
  }

  /** Cancelled, or stopped by an error: traffic goes back to where it was before. */
  private async compensate(): Promise<void> {
    const plan = this.state && compensation(this.state)
    if (plan) {
      const reason = `compensation: ${describeArms(plan.arms)}`
      await this.steady.setPlan({ ...this.input, issue: 'compensation', plan, reason })
    }
    await this.writeLog()
  }

  private refuse(verb: VerbOrder): void {
    const id = currentUpdateInfo()?.id
    if (id !== undefined && this.handled.has(id)) return
    if (!this.state) {
      throw ApplicationFailure.nonRetryable(
        `Rollout ${this.input.runId} is only just beginning. Send the verb again in a moment.`,
        'wrong_state',
      )
    }
    const answer = applyVerb(this.state, verb, this.time())
    if (!answer.accepted) throw ApplicationFailure.nonRetryable(answer.reason, answer.code)
  }

  private take(verb: VerbOrder): VerbAnswered {
    const id = currentUpdateInfo()!.id
    const known = this.handled.get(id)
    if (known) return known
    const answer = applyVerb(this.state!, verb, this.time())
    // Between the validator and here nothing else can have run.
    if (!answer.accepted) throw ApplicationFailure.nonRetryable(answer.reason, answer.code)
    this.state = answer.state
    this.entries.push(answer.entry)
    this.woken = true
    const { bodySha256 } = verb
    const answered = {
      status: answer.state.status,
      message: answer.entry.message,
      ...(bodySha256 === undefined ? {} : { bodySha256 }),
    }
    this.handled.set(id, answered)
    return answered
  }

  private answers(): CarriedRollout['handled'] {
    return [...this.handled].slice(-REMEMBERED)
  }

  private time() {
    return { now: Date.now(), freezeUntil: this.freezeUntil }
  }
}

/** How the run ends: a rollout that returned to the stable version is one whose answer is no. */
function endOf(
  { status, reason }: Extract<Action, { kind: 'finish' }>,
  { plan }: RolloutState,
  assessments: readonly Assessment[],
): RolloutResult {
  const result = { rollout: status, version: plan.candidate, reason }
  if (status === 'promoted' || status === 'reported') return { outcome: 'succeeded', ...result }
  const code = status === 'failed' ? 'preflight_failed' : status === 'aborted' ? 'cancelled' : 'rolled_back'
  const message = reason ?? `The rollout ended as ${status}.`
  return { outcome: 'refused', ...result, error: { code, message, details: { assessments } } }
}
