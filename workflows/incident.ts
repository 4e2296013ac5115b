import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  currentUpdateInfo,
  isCancellation,
  patched,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { IncidentActivities } from '../activities/incidents.js'
import type { RetrainingActivities } from '../activities/retraining.js'
import {
  type CarriedIncident,
  type FailedRetraining,
  type IncidentEntry,
  type IncidentInput,
  type IncidentLive,
  type IncidentLook,
  type IncidentOrder,
  type IncidentResult,
  incidentVerb,
  type IncidentVerbAnswered,
  type LookAtIncidentInput,
} from '../contracts/temporal/incidents.js'
import type { RunInput } from '../contracts/temporal/messages.js'
import { isJudged } from '../domain/drift/assessments.js'
import { applyDecision } from '../domain/incidents/apply-decision.js'
import { decideIncident } from '../domain/incidents/decide-incident.js'
import type { Evidence, IncidentDecision, IncidentState, Retraining } from '../domain/incidents/incident.js'
import { type IncidentStatus, isIncidentOpen } from '../domain/incidents/incident-status.js'
import { answerVerb, type IncidentVerb, type VerbAnswer } from '../domain/incidents/incident-verbs.js'
import { dataWork, ROWS, watch } from './activity-presets.js'
import { describeFailure } from './failures.js'
import { asRun, type RunHandle } from './run-shell.js'
import { lookEveryMs, untilChanged } from './waiting.js'

/** Answers to verbs that are remembered across histories. */
const REMEMBERED = 200

const { resumeIncident, recordIncident } = proxyActivities<IncidentActivities>(ROWS)
const { lookAtIncident } = proxyActivities<IncidentActivities>({ ...ROWS, startToCloseTimeout: '2 minutes' })
const { startRetraining, startIncidentRollout } = proxyActivities<RetrainingActivities>(ROWS)

const FOLLOWED: Partial<Record<IncidentStatus, 'training' | 'rollout'>> = {
  retraining: 'training',
  rolling_out: 'rollout',
}

/**
 * Follows an incident to its end: looks, decides, does, looks again. Every decision is
 * `decideIncident`'s; this keeps its state, carries it out and takes verbs in between. The incident's row
 * has each state before anything is done by it, so another attempt takes it up where this one ended.
 */
export async function followIncident(input: IncidentInput): Promise<IncidentResult> {
  const shell = new IncidentShell(input)
  return asRun<IncidentLive, IncidentResult>(input, { stage: 'open' }, run => shell.run(run))
}

class IncidentShell {
  private state: IncidentState | undefined
  private look: IncidentLook | undefined
  private seen: string | null = null
  private events: number
  private said: string
  private failed: FailedRetraining | undefined
  private readonly input: RunInput
  private readonly handled: Map<string, IncidentVerbAnswered>
  private readonly entries: IncidentEntry[] = []
  private shown = ''
  private woken = false

  constructor({ carried, ...input }: IncidentInput) {
    const { state, events, said, failed, handled } = carried ?? {}
    this.input = input
    this.state = state
    this.events = events ?? 0
    this.said = said ?? ''
    this.failed = failed
    this.handled = new Map(handled)
    // Before anything is awaited: a verb that comes early is refused with the reason, not lost.
    setHandler(incidentVerb, order => this.take(order), { validator: order => this.refuse(order) })
  }

  async run(run: RunHandle<IncidentLive>): Promise<IncidentResult> {
    try {
      // What verbs are judged by is there with the first look.
      const resumed = this.state ? undefined : await resumeIncident(this.input)
      if (resumed) ({ events: this.events, said: this.said } = resumed)
      return await this.follow(run, this.state ?? resumed!.state)
    } catch (error) {
      if (isCancellation(error)) await CancellationScope.nonCancellable(() => this.sayStopped())
      run.keep({ verbs: this.answers() })
      throw error
    }
  }

  private async follow(run: RunHandle<IncidentLive>, from: IncidentState): Promise<IncidentResult> {
    await this.lookAgain(from)
    this.state ??= from
    for (;;) {
      const decision = this.decide()
      this.show(run, decision)
      await this.write(decision.message)
      const { status } = this.state
      if (!isIncidentOpen(status)) {
        // A verb that was taken has its answer before the workflow is gone.
        await condition(allHandlersFinished)
        // It may have been the one that ended the incident, while the last write was under way.
        await this.write(this.said)
        return { outcome: 'succeeded', incident: status, message: this.said, verbs: this.answers() }
      }
      const begun = await this.begin()
      if (!begun && decision.do === 'wait') await this.idle()
      await this.cutHistory()
      await this.lookAgain(this.state)
    }
  }

  private async lookAgain(state: IncidentState): Promise<void> {
    this.woken = false
    const answer = await lookAtIncident(this.where(state))
    this.seen = answer.hash
    if (answer.look) this.look = answer.look
  }

  /** Where the incident is: what a look has to look for. */
  private where({ status, openedBy, retrainings }: IncidentState): LookAtIncidentInput {
    const { number = 0, version = null } = retrainings.at(-1) ?? {}
    return {
      ...this.input,
      from: openedBy[0]!.start,
      following: FOLLOWED[status] ?? null,
      retraining: number,
      version,
      seen: this.seen,
    }
  }

  /** Decides and follows the decision in one go: no verb comes in between. */
  private decide(): IncidentDecision {
    const { policy, ...look } = this.look!
    const observation = { ...look, ...this.failure(), now: Date.now() }
    const decision = decideIncident(this.state!, observation, policy)
    if (decision.do === 'nothing') return { ...decision, message: this.said }
    this.state = applyDecision(this.state!, decision)
    if (decision.do === 'wait' && decision.for === 'human') {
      // Why it was escalated is what that human has to know.
      return { ...decision, message: `${this.said}; ${decision.message}` }
    }
    if (decision.message !== this.said) this.say(decision.message, evidenceOf(decision))
    return decision
  }

  /** A retraining that could not even be started has no run to look at. */
  private failure(): Pick<IncidentLook, 'retraining'> {
    const { failed } = this
    if (failed?.number !== this.state!.retrainings.length) return {}
    return { retraining: { number: failed.number, status: 'failed', evidence: { ...failed.error } } }
  }

  /** Starts what the state says is under way and nobody has begun: after a kill between the two as well. */
  private async begin(): Promise<boolean> {
    const { status, retrainings } = this.state!
    const newest = retrainings.at(-1)
    if (status === 'retraining' && this.look!.retraining?.number !== newest!.number) {
      await this.retrain(newest!)
      return true
    }
    if (
      status === 'rolling_out' &&
      this.look!.rollout?.version !== newest!.version &&
      !this.look!.otherRollout
    ) {
      const { number, version } = newest!
      const { accepted } = await startIncidentRollout({ ...this.input, number, version: version! })
      return accepted
    }
    return false
  }

  private async retrain({ number, dataUntil }: Retraining): Promise<void> {
    const { buildRetrainingSet } = proxyActivities<RetrainingActivities>(dataWork(this.input.limits))
    const work = { ...this.input, number, dataUntil }
    try {
      const set = await buildRetrainingSet(work)
      const { runId, kind } = await startRetraining(work)
      const { dataset, version, rows, added } = set
      const message = `training on ${dataset} version ${version}: ${rows} rows, ${added} of them predictions`
      this.note(message, { ...set, [kind === 'pipeline' ? 'pipelineRun' : 'training']: runId })
    } catch (error) {
      if (isCancellation(error)) throw error
      this.failed = { number, error: describeFailure(error).error }
    }
  }

  private show(run: RunHandle<IncidentLive>, { message }: IncidentDecision): void {
    const { status, openedBy, retrainings, acknowledged } = this.state!
    const shown = `${status}: ${message} ${acknowledged?.by}`
    if (shown === this.shown) return
    this.shown = shown
    run.stage(status, { message })
    run.show('incident', status)
    run.show('opened by', openedBy.map(({ id }) => id).join(', '))
    run.show('now', message)
    for (const { number, trigger, dataUntil, version } of retrainings) {
      const until = new Date(dataUntil).toISOString().slice(0, 10)
      run.show(`retraining ${number}`, `${trigger}, data until ${until}, version ${version ?? 'not yet'}`)
    }
    if (acknowledged) run.show('acknowledged', `${acknowledged.by}: ${acknowledged.note}`)
  }

  private say(message: string, evidence: Evidence): void {
    this.said = message
    this.note(message, evidence)
  }

  /** Keeps what happened beside what it waits for. */
  private note(message: string, evidence: Evidence): void {
    this.entries.push({ at: Date.now(), status: this.state!.status, message, evidence })
  }

  private async write(message: string): Promise<void> {
    const entries = this.entries.splice(0)
    if (entries.length === 0) return
    const first = this.events + 1
    this.events += entries.length
    await recordIncident.executeWithOptions({ summary: message.slice(0, 200) }, [
      { ...this.input, state: this.state!, message: this.said, first, entries },
    ])
  }

  private async idle(): Promise<void> {
    const { limits } = this.input
    // Incidents that began before there was such a wait have looked without it.
    if (!patched('wait-for-change')) {
      await condition(() => this.woken, lookEveryMs(limits))
      return
    }
    const { awaitIncidentChange } = proxyActivities<IncidentActivities>(watch(limits))
    const wait = () =>
      awaitIncidentChange.executeWithOptions({ summary: this.said.slice(0, 200) }, [this.where(this.state!)])
    await untilChanged(limits, wait, { isWoken: () => this.woken })
  }

  private async cutHistory(): Promise<void> {
    if (!workflowInfo().continueAsNewSuggested) return
    await condition(allHandlersFinished)
    await this.write(this.said)
    const carried: CarriedIncident = {
      state: this.state!,
      events: this.events,
      said: this.said,
      ...(this.failed ? { failed: this.failed } : {}),
      handled: this.answers(),
    }
    await continueAsNew<typeof followIncident>({ ...this.input, carried })
  }

  /** Cancelled: the incident stays as it is, and its page says that nobody follows it any more. */
  private async sayStopped(): Promise<void> {
    if (!this.state) return
    this.note('cancelled: nobody follows the incident until its run is retried', {})
    await this.write(this.said)
  }

  private answers(): CarriedIncident['handled'] {
    return [...this.handled].slice(-REMEMBERED)
  }

  private refuse(order: IncidentOrder): void {
    const id = currentUpdateInfo()?.id
    if (id !== undefined && this.handled.has(id)) return
    // Also after a history was cut: what a verb is judged by comes with the first look.
    if (!this.state || !this.look) {
      throw ApplicationFailure.nonRetryable(
        `Incident ${this.input.runId} is only just beginning. Send the verb again in a moment.`,
        'wrong_state',
      )
    }
    this.answer(order)
  }

  private take(order: IncidentOrder): IncidentVerbAnswered {
    const id = currentUpdateInfo()!.id
    const known = this.handled.get(id)
    if (known) return known
    // Between the validator and here nothing else can have run.
    this.state = this.answer(order).state
    const message = `${order.verb} by ${order.by}: ${order.reason}`
    const { bodySha256, ...told } = order
    if (isIncidentOpen(this.state.status)) this.note(message, told)
    else this.say(message, told)
    this.woken = true
    const answered = {
      status: this.state.status,
      message,
      ...(bodySha256 === undefined ? {} : { bodySha256 }),
    }
    this.handled.set(id, answered)
    return answered
  }

  private answer(order: IncidentOrder): Extract<VerbAnswer, { accepted: true }> {
    const answer = answerVerb(this.state!, this.complete(order))
    if (!answer.accepted) throw ApplicationFailure.nonRetryable(answer.reason, answer.code)
    return answer
  }

  /** Windows that are judged by now are settled with an incident that is ended without a time. */
  private complete(order: IncidentOrder): IncidentVerb {
    if (order.verb === 'acknowledge' || order.verb === 'retrain') return order
    const judged = this.look!.windows.findLast(isJudged)?.window.end
    const opened = this.state!.openedBy.at(-1)!.end
    const { by, reason, verb, settledUntil = judged ?? opened } = order
    return { by, reason, verb, settledUntil }
  }
}

/** What a decision rests on, beside its message. */
function evidenceOf(decision: IncidentDecision): Evidence {
  const { do: what, to: _to, message: _message, ...rest } = decision
  if ('evidence' in rest) {
    const { evidence, ...more } = rest
    return { ...more, ...evidence }
  }
  return { do: what, ...rest }
}
