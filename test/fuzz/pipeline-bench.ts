import { setTimeout as wait } from 'node:timers/promises'
import type { PipelineRun } from '../../contracts/rest/pipeline-runs.js'
import { until } from '../../infra/launcher/proc.js'
import { all } from '../kill/all.js'
import type { Victim } from '../kill/points.js'
import { KillStack } from '../kill/stack.js'
import { kill, waitFor } from '../kill/strike.js'
import { Receiver } from '../support/receiver.js'
import type { Case, PlannedKill } from './case.js'
import { predict } from './model.js'
import { differences, effects } from './oracle.js'
import { pathOf, sourceOf } from './source.js'

/** One less than the supervisor takes for a part that cannot run. */
const MOST_KILLS_A_MINUTE = 4
const MINUTE_MS = 60_000

/** A run as it has ended, and everything that is not as the model says. */
export interface Ended {
  readonly run: PipelineRun
  readonly problems: readonly string[]
}

/** A stack on which generated pipelines run while processes of it are killed. */
export class PipelineBench {
  private readonly killedAt = new Map<Victim, readonly number[]>()

  private constructor(
    readonly stack: KillStack,
    private readonly receiver: Receiver,
  ) {}

  static async start(): Promise<PipelineBench> {
    const receiver = await Receiver.start()
    try {
      return new PipelineBench(await KillStack.start(), receiver)
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
    await this.mayKill(given.kills.map(({ victim }) => victim))
    const client = await this.stack.client()
    await client.post('/v1/pipelines', {
      pipelines: { [name]: sourceOf(given, name, path => this.receiver.url(path)) },
    })
    const started = await client.post<PipelineRun>(`/v1/pipelines/${name}/runs`, {}, name)
    const isOver = { value: false }
    const strikes = given.kills.map(planned => this.strike(planned, name, isOver))
    const followed = client.follow<PipelineRun>(`/v1/pipeline-runs/${started.id}`).finally(() => {
      isOver.value = true
    })
    await all([followed, ...strikes])
    await this.stack.settled()
    return this.compare(given, name, started.id)
  }

  /** How a run that has ended differs from what the model says of its case. */
  async compare(given: Case, name: string, id: string): Promise<Ended> {
    const run = await (await this.stack.client()).get<PipelineRun>(`/v1/pipeline-runs/${id}`)
    const { problems } = await this.stack.check()
    return {
      run,
      problems: [
        ...differences(run, given, predict(given)),
        ...effects(run, given, step => this.receiver.of(pathOf(step, name))),
        ...problems.map(({ code, at, message }) => `${code} ${at}: ${message}`),
      ],
    }
  }

  /** Sends what the first step of a case has sent, as it would not. */
  async resend({ steps: [first] }: Case, name: string, key: string): Promise<void> {
    const url = this.receiver.url(pathOf(first!, name))
    await fetch(url, { method: 'POST', headers: { 'idempotency-key': key } })
  }

  /** Waits until none of them would be killed so often within a minute that it is given up. */
  private async mayKill(victims: readonly Victim[]): Promise<void> {
    const recent = (victim: Victim) =>
      (this.killedAt.get(victim) ?? []).filter(at => Date.now() - at < MINUTE_MS).length
    const isSoon = (victim: Victim) =>
      recent(victim) + victims.filter(each => each === victim).length > MOST_KILLS_A_MINUTE
    await until(() => !victims.some(isSoon), MINUTE_MS + 1_000, 100)
  }

  /** Kills once the pipeline has sent so many requests, or when it is over before. */
  private async strike(
    { victim, afterRequests, delayMs }: PlannedKill,
    name: string,
    isOver: { value: boolean },
  ) {
    const sent = () => this.receiver.received.filter(({ path }) => path.includes(`/${name}/`)).length
    await waitFor(
      () => isOver.value || sent() >= afterRequests,
      `pipeline ${name} has sent ${afterRequests} requests`,
    )
    await wait(delayMs)
    await kill(this.stack, victim)
    this.killedAt.set(victim, [...(this.killedAt.get(victim) ?? []), Date.now()])
  }
}
