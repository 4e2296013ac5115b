import { setTimeout as wait } from 'node:timers/promises'
import type { PipelineRun } from '../../contracts/rest/pipeline-runs.js'
import { KillStack } from '../kill/stack.js'
import { kill, waitFor } from '../kill/strike.js'
import { Receiver } from '../support/receiver.js'
import type { Case, CaseStep, PlannedKill } from './case.js'
import { type Prediction, predict } from './model.js'

/** One more than any step of a case needs. */
const TRIES = 4
const RETRY = { codes: ['http_failed'], delay: 1 }

/** Sends a request from outside of MLForge, with the key that the step has. */
const SENDS = `fetch(process.argv[1], { method: 'POST', headers: { 'idempotency-key': process.env.MLFORGE_IDEMPOTENCY_KEY } })
  .then(answer => process.exit(answer.ok ? 0 : 1))`

/** A stack on which generated pipelines run while processes of it are killed. */
export class PipelineBench {
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
  async run(given: Case, name: string): Promise<string[]> {
    const client = await this.stack.client()
    await client.post('/v1/pipelines', { pipelines: { [name]: this.source(given, name) } })
    const started = await client.post<PipelineRun>(`/v1/pipelines/${name}/runs`, {}, name)
    const isOver = { value: false }
    const strikes = given.kills.map(planned => this.strike(planned, name, isOver))
    const followed = client.follow<PipelineRun>(`/v1/pipeline-runs/${started.id}`).finally(() => {
      isOver.value = true
    })
    await Promise.all([followed, ...strikes])
    await this.stack.settled()
    const run = await (await this.stack.client()).get<PipelineRun>(`/v1/pipeline-runs/${started.id}`)
    const { problems } = await this.stack.check()
    return [
      ...differences(run, given, predict(given)),
      ...this.effects(run, given, name),
      ...problems.map(({ code, at, message }) => `${code} ${at}: ${message}`),
    ]
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
  }

  /** Outside, effects are at least once, and each time with the same key. */
  private effects(run: PipelineRun, { steps }: Case, name: string): string[] {
    return steps.flatMap(({ name: step, deed }, at) => {
      if (deed.kind === 'query' || deed.kind === 'compare') return []
      const received = this.receiver.of(pathOf(step, deed, name))
      const keys = [...new Set(received.map(({ key }) => key))]
      const { state } = run.steps[at]!
      const least =
        state !== 'succeeded' ? Number(state !== 'blocked') : deed.kind === 'post' ? deed.failures + 1 : 1
      const wrong = keys.filter(key => key !== `${run.id}/${step}/g1`)
      return [
        ...(received.length < least ? [`${step} is ${state} after ${received.length} requests`] : []),
        ...(state === 'blocked' && received.length > 0 ? [`${step} is blocked and has sent a request`] : []),
        ...(wrong.length > 0 ? [`${step} was sent with the keys ${keys.join(', ')}`] : []),
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
  const wrong = steps.flatMap(({ name }, at) => {
    const { state } = run.steps[at]!
    return state === states[at] ? [] : [`${name} is ${state} and not ${states[at]}`]
  })
  return [
    ...(run.status === status ? [] : [`the run is ${run.status} and not ${status}: ${run.error?.message}`]),
    ...(run.attempt === attempt ? [] : [`the run is at attempt ${run.attempt} and not ${attempt}`]),
    ...wrong,
  ]
}
