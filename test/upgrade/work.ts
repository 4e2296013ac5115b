import type { Page } from '../../contracts/rest/common.js'
import type { DatasetCommit } from '../../contracts/rest/datasets.js'
import type { Deployment } from '../../contracts/rest/deployments.js'
import type { Incident, IncidentSummary } from '../../contracts/rest/incidents.js'
import type { SetMonitoring } from '../../contracts/rest/monitoring.js'
import type { SetRetraining } from '../../contracts/rest/retraining.js'
import type { Rollout, RolloutStrategy, StartRollout, VerbAccepted } from '../../contracts/rest/rollouts.js'
import type { CreateSchedule } from '../../contracts/rest/schedules.js'
import type { StartTraining, Training } from '../../contracts/rest/trainings.js'
import type { Upload } from '../../contracts/rest/uploads.js'
import { bikeTable, commitOf, months, TRAINING } from '../../examples/bike-sharing/bike.js'
import type { Rest } from '../../sdk/rest.js'
import { bikeHours, monthsOf } from '../support/bike-hours.js'
import { eventually } from '../support/eventually.js'
import type { Recorded } from './recorded.js'
import { ask, label } from './traffic.js'

export const DATASET = 'bike'
const MODEL = 'bikes'
/** Small models: their bytes are most of what an archive has to hold. */
const SMALL: StartTraining = {
  ...TRAINING,
  model: MODEL,
  parameters: { ...TRAINING.parameters, max_depth: 4, eta: 0.2 },
  rounds: 40,
  checkpointEvery: 20,
}

/** Long enough to be killed in the middle and to go on for some seconds. */
const LONG: StartTraining = {
  ...SMALL,
  model: 'long',
  parameters: { ...TRAINING.parameters, max_depth: 2, eta: 0.02 },
  rounds: 6_000,
  checkpointEvery: 500,
}

const FOR_EVER = 10 * 365 * 86_400

/** Stays at its first stop, however late somebody looks at it. */
const CANARY: RolloutStrategy = {
  kind: 'canary',
  stops: [{ percent: 50, minRows: 10_000, deadlineSeconds: FOR_EVER }],
  mirrorPercent: 0,
  gates: { error: { minUnits: 10_000 } },
}

const MONITORING: SetMonitoring = {
  window: { every: 'month' },
  minLabelled: 500,
  minLabelledShare: 0.95,
  breach: { maxRelativeBias: 0.2, maxWape: 0.4 },
  breachesInARow: 2,
}

const { model: _model, dataset: _dataset, split: _split, ...TEMPLATE } = SMALL

/** What January and February have is not enough; what March adds is. */
const RETRAINING: SetRetraining = {
  dataset: DATASET,
  timeColumn: 'dteday',
  training: { ...TEMPLATE, gate: { maxRmseOfChampion: 1, maxRmseOfBaseline: 1 } },
  holdout: 'month',
  strategy: { kind: 'blueGreen' },
  incident: { minLabelledRows: 2_000 },
}

const SCHEDULE: CreateSchedule = {
  name: 'yearly',
  training: { ...SMALL, model: 'yearly' },
  timing: { cron: '0 3 1 1 *', timeZone: 'Europe/Berlin', overlap: 'skip', catchUpSeconds: 60 },
}

/** Everything that is open a moment before the end, as a client of the REST API makes it. */
export class OpenWork {
  private readonly answers: Record<string, Recorded['answers'][string]> = {}

  constructor(
    private readonly api: Rest,
    private readonly serving: Rest,
  ) {}

  /** All but the training that is in the middle, which would end meanwhile. */
  async begin(): Promise<Pick<Recorded, 'schedule' | 'canary' | 'blueGreen' | 'incident'>> {
    await this.commit()
    await this.train({})
    await this.train({ rounds: 80 })
    await this.api.post('/v1/schedules', SCHEDULE)
    for (const name of ['watched', 'steered', 'switched']) await this.serveFirst(name)
    return {
      schedule: SCHEDULE.name,
      canary: await this.openCanary('steered'),
      blueGreen: await this.openBlueGreen('switched'),
      incident: await this.openIncident('watched'),
    }
  }

  /** Once it has something to resume from. */
  async trainLong(): Promise<string> {
    const { id } = await this.api.post<Training>('/v1/trainings', LONG)
    await eventually(async () => {
      const { checkpoints } = await this.api.get<Training>(`/v1/trainings/${id}`)
      if (checkpoints.length < 2) throw new Error(`Training ${id} has ${checkpoints.length} checkpoints.`)
    })
    return id
  }

  /** While Temporal is away. */
  async accept(): Promise<Recorded['accepted']> {
    const body = { ...SMALL, model: 'accepted' }
    const { id, status } = await this.api.post<Training>('/v1/trainings', body)
    if (status !== 'accepted') throw new Error(`Training ${id} is ${status}: is Temporal not away?`)
    return { id }
  }

  /** Answers that are in the log of the replica and nowhere else when everything ends right after. */
  async askLast(): Promise<void> {
    await this.predict('steered', monthsOf(bikeHours(), '2011-12').slice(0, 100))
  }

  allAnswers(): Recorded['answers'] {
    return this.answers
  }

  private async predict(deployment: string, hours: ReturnType<typeof bikeHours>): Promise<void> {
    const given = await ask(this.serving, deployment, hours)
    this.answers[deployment] = [...(this.answers[deployment] ?? []), ...given]
  }

  private async commit(): Promise<void> {
    const csv = months(await bikeTable(), 2011, 1, 10)
    const upload = await this.api.upload<Upload>('/v1/uploads', csv)
    const path = `/v1/datasets/${DATASET}`
    const body = commitOf(upload.id, 'January to October 2011')
    const { id } = await this.api.post<DatasetCommit>(`${path}/versions`, body)
    await this.succeeded(`${path}/commits/${id}`)
  }

  private async train(more: Partial<StartTraining>): Promise<void> {
    const { id } = await this.api.post<Training>('/v1/trainings', { ...SMALL, ...more })
    await this.succeeded(`/v1/trainings/${id}`)
  }

  private async succeeded(path: string): Promise<void> {
    const run = await this.api.follow<Training>(path)
    if (run.status !== 'succeeded') throw new Error(`${path} ended ${run.status}: ${run.error?.message}`)
  }

  private async serveFirst(name: string): Promise<void> {
    await this.api.post<Deployment>('/v1/deployments', { name, model: MODEL })
    const { id } = await this.startRollout(name, { version: 1, reason: 'the first' })
    await this.succeeded(`/v1/rollouts/${id}`)
    await this.predict(name, monthsOf(bikeHours(), '2011-11').slice(0, 200))
  }

  private startRollout(deployment: string, body: StartRollout): Promise<Rollout> {
    return this.api.post<Rollout>(`/v1/deployments/${deployment}/rollouts`, body)
  }

  private async openCanary(deployment: string): Promise<Recorded['canary']> {
    const version = 2
    const { id } = await this.startRollout(deployment, { version, strategy: CANARY, reason: 'a canary' })
    await this.hasTraffic(id, 50)
    await this.predict(deployment, monthsOf(bikeHours(), '2011-11').slice(200))
    await label(this.api, deployment, monthsOf(bikeHours(), '2011-11'))
    const key = 'pause-before-the-end'
    const answer = await this.api.post<VerbAccepted>(`/v1/rollouts/${id}/pause`, undefined, {
      idempotencyKey: key,
    })
    return { id, version, pause: { key, answer } }
  }

  private async openBlueGreen(deployment: string): Promise<Recorded['blueGreen']> {
    const strategy = { kind: 'blueGreen', observeSeconds: null } as const
    const { id } = await this.startRollout(deployment, { version: 2, strategy, reason: 'a switch' })
    await this.hasTraffic(id, 100)
    await this.predict(deployment, monthsOf(bikeHours(), '2011-11').slice(200, 300))
    return { id, stable: 1 }
  }

  /** Until the rollout knows that every replica answers by a plan with this weight. */
  private hasTraffic(id: string, percent: number): Promise<void> {
    return eventually(async () => {
      const { live, status, stage } = await this.api.get<Rollout>(`/v1/rollouts/${id}`)
      const weight = live?.arms.find(({ version }) => version === 2)?.weight
      if (weight !== percent) throw new Error(`Rollout ${id} is ${status} (${stage}) with ${weight} %.`)
    })
  }

  private async openIncident(deployment: string): Promise<Recorded['incident']> {
    const path = `/v1/deployments/${deployment}`
    await this.api.put(`${path}/monitoring`, MONITORING)
    await this.api.put(`${path}/retraining`, RETRAINING)
    const hours = monthsOf(bikeHours(), '2012-01', '2012-03').slice(0, -700)
    await this.predict(deployment, hours)
    await label(this.api, deployment, hours)
    return eventually(async () => {
      const { items } = await this.api.get<Page<IncidentSummary>>(`/v1/incidents?deployment=${deployment}`)
      const { status, message } = await this.api.get<Incident>(`/v1/incidents/${items[0]?.id}`)
      if (status !== 'waiting_for_data') throw new Error(`The incident is ${status}: ${message}`)
      return { id: items[0]!.id, message }
    })
  }
}
