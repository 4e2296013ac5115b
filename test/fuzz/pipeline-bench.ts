import { setTimeout as wait } from 'node:timers/promises'
import type { Operation } from '../../contracts/rest/operations.js'
import type { PipelineRun } from '../../contracts/rest/pipeline-runs.js'
import { all } from '../kill/all.js'
import type { PatientClient } from '../kill/client.js'
import { KillLimit } from '../kill/kill-limit.js'
import { KillStack } from '../kill/stack.js'
import { kill, waitFor } from '../kill/strike.js'
import { type Received, Receiver } from '../support/receiver.js'
import type { Case, FuzzVictim, Later, PlannedKill } from './case.js'
import { killAll } from './kill-all.js'
import { predict } from './model.js'
import { differences, effects } from './oracle.js'
import { replayProblems } from './replays.js'
import { pathOf, sourceOf } from './source.js'

/** A stall of some seconds is no kill, and must not send anything again. */
const PATIENT = { MLFORGE_WORKER_HEARTBEAT_TIMEOUT_SECONDS: '8' }

/** A run as it has ended, and everything that is not as the model says. */
export interface Ended {
  readonly run: PipelineRun
  readonly problems: readonly string[]
}

/** A stack on which generated pipelines run while processes of it are killed. */
export class PipelineBench {
  private readonly limit = new KillLimit<FuzzVictim>()

  private constructor(
    readonly stack: KillStack,
    private readonly receiver: Receiver,
  ) {}

  static async start(): Promise<PipelineBench> {
    const receiver = await Receiver.start()
    try {
      return new PipelineBench(await KillStack.start(PATIENT), receiver)
    } catch (error) {
      await receiver.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    await this.stack.stop()
    await this.receiver.stop()
  }

  /** Runs a case with its kills. @returns everything that is not as the model says; nothing where all is well */
  async run(given: Case, name: string): Promise<Ended> {
    await this.limit.mayKill(given.kills.map(({ victim }) => victim))
    const client = await this.stack.client()
    await client.post('/v1/pipelines', {
      pipelines: { [name]: sourceOf(given, name, path => this.receiver.url(path)) },
    })
    const started = await client.post<PipelineRun>(`/v1/pipelines/${name}/runs`, {}, name)
    await this.follow(
      started.id,
      name,
      given.kills.filter(({ isLater }) => !isLater),
    )
    if (given.later) {
      await this.ask(client, started.id, given.later, given)
      await this.follow(
        started.id,
        name,
        given.kills.filter(({ isLater }) => isLater),
      )
    }
    const ended = await this.compare(given, name, started.id)
    return { ...ended, problems: [...ended.problems, ...(await this.replay(client, ended.run))] }
  }

  /** Kills while a run works, until it has ended and all is well again. */
  private async follow(id: string, name: string, kills: readonly PlannedKill[]): Promise<void> {
    const client = await this.stack.client()
    const isOver = { value: false }
    const before = this.sentOf(name).length
    const strikes = kills.map(planned => this.strike(planned, before, name, isOver))
    const followed = client.follow<PipelineRun>(`/v1/pipeline-runs/${id}`).finally(() => {
      isOver.value = true
    })
    await all([followed, ...strikes])
    await this.stack.settled()
  }

  /** Nothing is killed before the answer, so that it is asked for once. */
  private async ask(client: PatientClient, id: string, later: Later, { steps }: Case): Promise<void> {
    const path = `/v1/pipeline-runs/${id}/${later.verb}`
    const bodies = { retry: undefined, rollback: {} }
    await client.post(
      path,
      later.verb === 'reset' ? { steps: [steps[later.step]!.name] } : bodies[later.verb],
    )
  }

  /** The run's own histories, and those of the runs that have done steps of it. */
  private async replay(client: PatientClient, { workflow, steps }: PipelineRun): Promise<string[]> {
    const children = steps.flatMap(({ child }) => (child === null ? [] : [child]))
    const others = await Promise.all(children.map(id => client.get<Operation>(`/v1/operations/${id}`)))
    const ids = [workflow, ...others.map(each => each.workflow)].map(({ workflowId }) => workflowId)
    return replayProblems(this.stack.endpoints().temporalAddress, ids)
  }

  private sentOf(name: string): readonly Received[] {
    return this.receiver.received.filter(({ path }) => path.includes(`/${name}/`))
  }

  /** How a run that has ended differs from what the model says of its case. */
  async compare(given: Case, name: string, id: string): Promise<Ended> {
    const run = await (await this.stack.client()).get<PipelineRun>(`/v1/pipeline-runs/${id}`)
    const { problems } = await this.stack.check()
    const predicted = predict(given)
    return {
      run,
      problems: [
        ...differences(run, given, predicted),
        ...effects(run, given, predicted, this.sentOf(name)),
        ...problems.map(({ code, at, message }) => `${code} ${at}: ${message}`),
      ],
    }
  }

  /** Sends what the first step of a case has sent, as it would not. */
  async resend({ steps: [first] }: Case, name: string, key: string): Promise<void> {
    const url = this.receiver.url(pathOf(first!, name))
    await fetch(url, { method: 'POST', headers: { 'idempotency-key': key } })
  }

  /** Kills once the pipeline has sent so many requests more, or when it is over before. */
  private async strike(
    { victim, afterRequests, delayMs }: PlannedKill,
    before: number,
    name: string,
    isOver: { value: boolean },
  ) {
    await waitFor(
      () => isOver.value || this.sentOf(name).length - before >= afterRequests,
      `pipeline ${name} has sent ${afterRequests} requests`,
    )
    await wait(delayMs)
    await (victim === 'stack' ? killAll(this.stack) : kill(this.stack, victim))
    this.limit.killed(victim)
  }
}
