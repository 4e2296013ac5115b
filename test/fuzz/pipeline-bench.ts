import { setTimeout as wait } from 'node:timers/promises'
import type { PipelineRun } from '../../contracts/rest/pipeline-runs.js'
import { until } from '../../infra/launcher/proc.js'
import { all } from '../kill/all.js'
import type { Victim } from '../kill/points.js'
import { KillStack } from '../kill/stack.js'
import { kill, waitFor } from '../kill/strike.js'
import { Receiver } from '../support/receiver.js'
import type { Case, CaseStep, PlannedKill } from './case.js'
import { type Prediction, predict, requestsOf, TRIES } from './model.js'

const RETRY = { codes: ['http_failed'], delay: 1 }

/** One less than the supervisor takes for a part that cannot run. */
const MOST_KILLS_A_MINUTE = 4
const MINUTE_MS = 60_000

/** Sends a request from outside of MLForge, with the key that the step has. */
const SENDS = `fetch(process.argv[1], { method: 'POST', headers: { 'idempotency-key': process.env.MLFORGE_IDEMPOTENCY_KEY } })
  .then(answer => process.exit(answer.ok ? 0 : 1))`

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
    await client.post('/v1/pipelines', { pipelines: { [name]: this.source(given, name) } })
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
        ...this.effects(run, given, name),
        ...problems.map(({ code, at, message }) => `${code} ${at}: ${message}`),
      ],
    }
  }

  /** Waits until none of them would be killed so often within a minute that it is given up. */
  private async mayKill(victims: readonly Victim[]): Promise<void> {
    const recent = (victim: Victim) =>
      (this.killedAt.get(victim) ?? []).filter(at => Date.now() - at < MINUTE_MS).length
    const isSoon = (victim: Victim) =>
      recent(victim) + victims.filter(each => each === victim).length > MOST_KILLS_A_MINUTE
    await until(() => !victims.some(isSoon), MINUTE_MS + 1_000, 100)
  }

  private source({ steps, parallel, onFailure, attempts }: Case, name: string): object {
    return {
      parallel,
      onFailure,
      retry: { ...RETRY, maxAttempts: attempts },
      steps: Object.fromEntries(
        steps.map(step => [
          step.name,
          {
            ...this.work(step, name),
            needs: step.needs.map(at => steps[at]!.name),
            retry: { maxAttempts: TRIES, delay: 0.1 },
          },
        ]),
      ),
    }
  }

  private work({ name: step, deed }: CaseStep, name: string): { uses: string; with: object } {
    const url = this.receiver.url(pathOf(step, deed, name))
    switch (deed.kind) {
      case 'post':
      case 'refused':
      case 'broken':
        return { uses: 'http', with: { url } }
      case 'query':
        return { uses: 'query', with: { sql: `SELECT '${name}' AS pipeline, '${step}' AS step`, tables: {} } }
      case 'compare':
        return { uses: 'compare', with: { candidate: deed.holds ? 1 : 2, reference: 1 } }
      case 'script':
        return { uses: 'script', with: { command: [process.execPath, '-e', SENDS, url] } }
    }
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

  /** Outside, effects are at least once, each time with the same key, and a kill costs one more at most. */
  private effects(run: PipelineRun, { steps, kills }: Case, name: string): string[] {
    return steps.flatMap((step, at) => {
      if (step.deed.kind === 'query' || step.deed.kind === 'compare') return []
      const received = this.receiver.of(pathOf(step.name, step.deed, name))
      const keys = [...new Set(received.map(({ key }) => key))]
      const { state } = run.steps[at]!
      const least = state === 'blocked' ? 0 : requestsOf(step) * (state === 'succeeded' ? 1 : run.attempt)
      const most = state === 'blocked' ? 0 : least + kills.length
      const wrong = keys.filter(key => key !== `${run.id}/${step.name}/g1`)
      return [
        ...(received.length < least || received.length > most
          ? [`${step.name} is ${state} after ${received.length} requests, not ${least} to ${most}`]
          : []),
        ...(wrong.length > 0 ? [`${step.name} was sent with the keys ${keys.join(', ')}`] : []),
      ]
    })
  }
}

function pathOf(step: string, deed: CaseStep['deed'], name: string): string {
  const behaviour =
    deed.kind === 'post'
      ? `fail/${deed.failures}`
      : { refused: 'refuse', broken: 'broken' }[deed.kind as 'refused']
  return `/${behaviour ?? 'ok'}/${name}/${step}`
}

function differences(run: PipelineRun, { steps }: Case, { status, states, attempt }: Prediction): string[] {
  const wrong = steps.flatMap(({ name, deed }, at) => {
    const { state, tries } = run.steps[at]!
    const failures = deed.kind === 'post' ? deed.failures : 0
    return [
      ...(state === states[at] ? [] : [`${name} is ${state} and not ${states[at]}`]),
      // A worker that was lost may take the word of a failure with it, and costs no try itself.
      ...(state === 'succeeded' && tries > failures
        ? [`${name} has failed ${tries} times, not ${failures}`]
        : []),
    ]
  })
  return [
    ...(run.status === status ? [] : [`the run is ${run.status} and not ${status}: ${run.error?.message}`]),
    ...(run.attempt === attempt ? [] : [`the run is at attempt ${run.attempt} and not ${attempt}`]),
    ...wrong,
  ]
}
