import { setTimeout as wait } from 'node:timers/promises'
import type { Deployment, LabelsAccepted } from '../../contracts/rest/deployments.js'
import type { PredictRequest, PredictResponse } from '../../contracts/rest/predict.js'
import { FEATURES, type Table } from './bike.js'
import { expectThat, type Story } from './story.js'

/** Counts are known a day after the hour that they are of. */
const LABELS_FOLLOW_ROWS = 24

const INGEST_MS = 60_000

/** One hour of the file, as it is asked for and as it turned out. */
interface Hour {
  readonly instant: number
  /** `YYYY-MM-DDTHH:00:00Z` */
  readonly eventTime: string
  readonly features: Readonly<Record<string, number>>
  readonly count: number
}

/**
 * The file as if it happened now: hours are predicted in their order, and what really happened follows 24
 * hours later. Nothing depends on the clock on the wall. Killed and told again it goes on from the
 * beginning: ids that are known get the answer that they got, and nothing is counted twice.
 */
export class Replay {
  private readonly hours: readonly Hour[]
  private sent = 0
  private labelled = 0

  constructor(
    private readonly story: Pick<Story, 'rest' | 'serving'>,
    readonly deployment: string,
    { header, lines }: Table,
  ) {
    this.hours = lines.map(line => hourOf(header.split(','), line.split(',')))
  }

  /** Hours sent so far. */
  get rows(): number {
    return this.sent
  }

  /** Goes to the first hour of a month, as if all before it had been answered elsewhere. */
  startAt(month: string): void {
    this.sent = this.hours.findIndex(hour => hour.eventTime >= month)
    this.labelled = this.sent
  }

  /** Whether there is an hour left before a day. */
  isBefore(day: string): boolean {
    const next = this.hours[this.sent]
    return next !== undefined && next.eventTime < day
  }

  /** Sends the next hours before a day, in order, with the labels that are due; gives the answers. */
  async send(most: number, until: string): Promise<PredictResponse[]> {
    const path = `/v1/deployments/${this.deployment}/predict`
    const answers: PredictResponse[] = []
    for (let left = most; left > 0 && this.isBefore(until);) {
      await this.label()
      const rows = this.hours
        .slice(this.sent, this.sent + Math.min(left, LABELS_FOLLOW_ROWS))
        .filter(hour => hour.eventTime < until)
      const body: PredictRequest = {
        rows: rows.map(({ instant, eventTime, features }) => ({
          id: `bike-${instant}`,
          key: String(instant),
          eventTime,
          features,
        })),
      }
      answers.push(await this.story.serving.post<PredictResponse>(path, body))
      this.sent += rows.length
      left -= rows.length
    }
    return answers
  }

  /** Counts that are known by now: of all hours but the last day's, which ends before the next rows begin. */
  private async label(): Promise<void> {
    const due = this.hours.slice(this.labelled, this.sent)
    if (due.length === 0) return
    await this.story.rest.post<LabelsAccepted>(`/v1/deployments/${this.deployment}/labels`, {
      labels: due.map(({ instant, count, eventTime }) => ({
        predictionId: `bike-${instant}`,
        value: count,
        at: new Date(Date.parse(eventTime) + LABELS_FOLLOW_ROWS * 3_600_000).toISOString(),
      })),
    })
    this.labelled += due.length
  }

  /** The last day's counts, at the end of the file. */
  async finish(): Promise<void> {
    await this.label()
  }

  /** Waits until the platform has read all that was sent. */
  async settle(): Promise<void> {
    const last = this.hours[this.sent - 1]?.eventTime ?? ''
    for (const end = Date.now() + INGEST_MS; ; await wait(100)) {
      const { predictions } = await this.story.rest.get<Deployment>(`/v1/deployments/${this.deployment}`)
      const until = predictions.until ?? ''
      if (predictions.waitingSegments === 0 && Date.parse(until) >= Date.parse(last)) return
      expectThat(Date.now() < end, `predictions until ${last} are ingested within a minute (${until})`)
    }
  }
}

function hourOf(header: readonly string[], cells: readonly string[]): Hour {
  const cell = (name: string): string => cells[header.indexOf(name)]!
  const [month, day, year] = cell('dteday').split('/') as [string, string, string]
  const hour = cell('hr').padStart(2, '0')
  return {
    instant: Number(cell('instant')),
    eventTime: `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}T${hour}:00:00Z`,
    features: Object.fromEntries(FEATURES.map(name => [name, Number(cell(name))])),
    count: Number(cell('cnt')),
  }
}
