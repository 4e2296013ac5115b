import { setTimeout as wait } from 'node:timers/promises'
import type { Deployment, LabelsAccepted } from '../../../contracts/rest/deployments.js'
import type { Prediction, PredictResponse } from '../../../contracts/rest/predict.js'
import type { BikeHour } from '../../support/bike-hours.js'
import { all } from '../all.js'
import type { PatientClient } from '../client.js'
import { FEATURES } from '../training/scenario.js'

const ROWS = 4
const PACE_MS = 200
const BATCH = 100
const INGEST_MS = 120_000

export interface Answered extends Prediction {
  /** It was sent again, since no answer came: then two records of it are no wonder. */
  readonly resent: boolean
}

/**
 * Hours of the bike-sharing data, in their order: asked for, and labelled when they are answered. In the end
 * a deployment has been asked for all of them, however long its rollouts took.
 */
export class Traffic {
  readonly answers: Answered[] = []
  private asked = 0
  private labelled = 0

  constructor(
    private readonly serving: PatientClient,
    private readonly api: PatientClient,
    private readonly deployment: string,
    private readonly hours: readonly BikeHour[],
  ) {}

  /** Asks at a steady pace until something has ended. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isOver = false
    const over = work.finally(() => (isOver = true))
    const asking = async () => {
      for (; !isOver && this.asked < this.hours.length; await wait(PACE_MS)) await this.ask(ROWS)
    }
    const labelling = async () => {
      for (; !isOver; await wait(PACE_MS)) await this.label()
    }
    const [result] = await all([over, asking(), labelling()])
    return result
  }

  /** Asks for what is left, and waits until the platform has read everything. */
  async finish(): Promise<void> {
    await this.send(this.hours.length)
    await this.label()
    await this.isRead()
  }

  /**
   * Asks for all hours before an event time. Their labels are sent when the platform has read all of them:
   * whatever becomes of a window then, it has all its rows.
   */
  async replay(until: number): Promise<void> {
    await this.send(this.hours.filter(({ eventTime }) => eventTime < until).length)
    await this.isRead()
    await this.label()
  }

  /** Asks until it has asked for so many. */
  private async send(total: number): Promise<void> {
    while (this.asked < total) await this.ask(Math.min(BATCH, total - this.asked))
  }

  private async isRead(): Promise<void> {
    const last = this.hours[this.asked - 1]!.eventTime
    for (const end = Date.now() + INGEST_MS; ; await wait(100)) {
      const { predictions } = await this.api.get<Deployment>(`/v1/deployments/${this.deployment}`)
      if (predictions.waitingSegments === 0 && Date.parse(predictions.until ?? '') >= last) return
      if (Date.now() > end)
        throw new Error(`Not all predictions are ingested: ${JSON.stringify(predictions)}`)
    }
  }

  private async ask(count: number): Promise<void> {
    const hours = this.hours.slice(this.asked, this.asked + count)
    const rows = hours.map(({ id, key, eventTime, values }) => ({
      id,
      key,
      eventTime: new Date(eventTime).toISOString(),
      features: Object.fromEntries(FEATURES.map(name => [name, values[name]])),
    }))
    const before = this.serving.resent
    const path = `/v1/deployments/${this.deployment}/predict`
    const { predictions } = await this.serving.post<PredictResponse>(path, { rows })
    const resent = this.serving.resent > before
    this.answers.push(...predictions.map(prediction => ({ ...prediction, resent })))
    this.asked += count
  }

  private async label(): Promise<void> {
    const hours = this.hours.slice(this.labelled, this.asked)
    if (hours.length === 0) return
    await this.api.post<LabelsAccepted>(`/v1/deployments/${this.deployment}/labels`, {
      labels: hours.map(({ id, eventTime, cnt }) => ({
        predictionId: id,
        value: cnt,
        at: new Date(eventTime).toISOString(),
      })),
    })
    this.labelled += hours.length
  }
}
