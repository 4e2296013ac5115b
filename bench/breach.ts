// From the label that completes the second breached window in a row to the open incident, in its parts: the
// schedule's next look takes on the check, the check records the window, which opens the incident. The time
// between two looks is what bounds it.
import type { Page } from '../contracts/rest/common.js'
import type { Deployment, LabelsAccepted } from '../contracts/rest/deployments.js'
import type { IncidentSummary } from '../contracts/rest/incidents.js'
import type { WindowSummary } from '../contracts/rest/monitoring.js'
import type { Operation } from '../contracts/rest/operations.js'
import type { PredictResponse } from '../contracts/rest/predict.js'
import { FIELDS } from '../config/fields.js'
import { BIKE_ROW } from './predict/model.js'
import { median, report, type Row } from './report.js'
import { deploy, type Stack, train, until, withStack } from './stack.js'

const SIZES = [1_000, 10_000]
const REPEATS = 5
const MODEL = 'bike'
const START = Date.UTC(2012, 0, 1)
const ROW_MS = 60_000
/** Rows of a request for predictions. */
const PAGE = 1_000
/** What `mlforge up` sets. */
const INTERVAL_SECONDS = Number(FIELDS['monitoring.intervalSeconds'].embedded)

/** Seconds. */
interface Opened {
  /** From the accepted label until the schedule has taken on the check. */
  readonly takenOn: number
  /** From there until the window is recorded. */
  readonly checked: number
  /** From there until a reader of the API sees the incident. */
  readonly opened: number
  readonly whole: number
}

await withStack(async stack => {
  await train(stack, MODEL)
  const rows: Row[] = []
  for (const size of SIZES) {
    const runs: Opened[] = []
    for (let repeat = 0; repeat < REPEATS; repeat++)
      runs.push(await breach(stack, `rows-${size}-${repeat}`, size))
    const parts = (['takenOn', 'checked', 'opened'] as const).map(part => [
      part,
      median(runs.map(run => run[part])),
    ])
    rows.push({
      what: `last label of a breached window of ${size} rows to the incident`,
      unit: 's',
      ours: median(runs.map(run => run.whole)),
      peer: INTERVAL_SECONDS,
      peerName: 'monitoring.intervalSeconds',
      aim: 'under 2',
      details: { ...Object.fromEntries(parts), runs },
    })
  }
  report('breach', rows)
})

async function breach(stack: Stack, name: string, size: number): Promise<Opened> {
  const { rest, serving } = stack
  await deploy(stack, name, MODEL)
  const path = `/v1/deployments/${name}`
  await rest.put(`${path}/monitoring`, {
    window: { every: 'fixed', lengthMs: size * ROW_MS, originMs: START },
    // Nothing is judged before the last label.
    minLabelledShare: 1,
    reference: { kind: 'training' },
  })
  const labels: { predictionId: string; value: number; at: string }[] = []
  // Two windows, and a row past them.
  for (let from = 0; from <= 2 * size; from += PAGE) {
    const page = Array.from({ length: Math.min(PAGE, 2 * size + 1 - from) }, (_, i) => ({
      id: `${name}-${from + i}`,
      eventTime: new Date(START + (from + i) * ROW_MS).toISOString(),
      features: { ...BIKE_ROW, hr: (from + i) % 24 },
    }))
    const { predictions } = await serving.post<PredictResponse>(`${path}/predict`, { rows: page })
    const at = new Date(START + 3 * size * ROW_MS).toISOString()
    labels.push(...predictions.map(({ id, value }) => ({ predictionId: id, value: 3 * value + 100, at })))
  }
  await until(`all predictions of ${name}`, async () => {
    const { predictions } = await rest.get<Deployment>(path)
    return predictions.rows === labels.length ? predictions : undefined
  })
  const last = labels[2 * size - 1]!
  const others = labels.slice(0, 2 * size - 1)
  for (let from = 0; from < others.length; from += PAGE) {
    await rest.post<LabelsAccepted>(`${path}/labels`, { labels: others.slice(from, from + PAGE) })
  }
  const window = async (at: number) => {
    const { items } = await rest.get<Page<WindowSummary>>(`${path}/windows`)
    return items.find(each => Date.parse(each.start) === START + at * size * ROW_MS)
  }
  await until(`the first window of ${name}`, () => window(0))

  await rest.post<LabelsAccepted>(`${path}/labels`, { labels: [last] })
  const accepted = Date.now()
  const incident = await until(`an incident of ${name}`, async () => {
    const { items } = await rest.get<Page<IncidentSummary>>('/v1/incidents')
    return items.find(each => each.deployment === name)
  })
  const seen = Date.now()
  const second = (await window(1))!
  const check = await rest.get<Operation>(`/v1/operations/${second.runId}`)
  const [taken, recorded] = [Date.parse(check.createdAt), Date.parse(second.createdAt)]
  if (Date.parse(incident.openedAt) > seen) throw new Error(`Incident ${incident.id} opens in the future.`)
  return {
    takenOn: (taken - accepted) / 1000,
    checked: (recorded - taken) / 1000,
    opened: (seen - recorded) / 1000,
    whole: (seen - accepted) / 1000,
  }
}
