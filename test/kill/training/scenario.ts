import { setTimeout as wait } from 'node:timers/promises'
import type { Page } from '../../../contracts/rest/common.js'
import type { DatasetCommit } from '../../../contracts/rest/datasets.js'
import type { RetrainingTemplate } from '../../../contracts/rest/retraining.js'
import type { Schedule } from '../../../contracts/rest/schedules.js'
import type { StartTraining, Training, TrainingSummary } from '../../../contracts/rest/trainings.js'
import { Refused } from '../../../sdk/rest.js'
import { all } from '../all.js'
import type { PatientClient } from '../client.js'
import type { TrainingPoint } from '../points.js'

/** Called while the chain stands at a point; the run is the one that is under way there. */
export type AtPoint = (point: TrainingPoint, runId: string | undefined) => Promise<void>

export interface Names {
  readonly dataset: string
  readonly model: string
  /** Model of the schedule. */
  readonly weekly: string
  readonly schedule: string
  /** A second training beside the first, for points where the chain itself has no child process. */
  readonly other: string
}

export const namesOf = (prefix: string): Names => ({
  dataset: prefix,
  model: prefix,
  weekly: `${prefix}-weekly`,
  schedule: `${prefix}-weekly`,
  other: `${prefix}-other`,
})

export const FEATURES =
  'season yr mnth hr holiday weekday workingday weathersit temp atemp hum windspeed'.split(' ')

/** With 120 rounds long enough to be hit from outside, and short enough to do it often. */
export function trainingOf(model: string, dataset: string, rounds = 120): StartTraining {
  return {
    model,
    dataset: { name: dataset, version: 'latest' },
    ...templateOf(rounds),
    split: {
      column: 'dteday',
      train: { from: '2011-01-01', until: '2011-09-01' },
      holdout: { from: '2011-09-01', until: '2011-11-01' },
    },
  }
}

/** Whatever it is trained on. */
export function templateOf(rounds: number): RetrainingTemplate {
  return {
    parameters: {
      objective: 'reg:squarederror',
      max_depth: 6,
      eta: 0.2,
      subsample: 0.8,
      min_child_weight: 5,
      tree_method: 'exact',
      seed: 42,
      nthread: 1,
    },
    rounds,
    checkpointEvery: 20,
    features: FEATURES,
    target: 'cnt',
    baseline: { by: ['hr', 'workingday'] },
    clip: { min: 0 },
  }
}

/**
 * Data -> train -> register -> a schedule, triggered once and paused, as a client of the REST API does
 * it. Ends when everything has ended, and throws when something did not end well.
 */
export async function runScenario(
  client: PatientClient,
  prefix: string,
  csv: string,
  at: AtPoint,
): Promise<void> {
  const names = namesOf(prefix)
  await commitDataset(client, names.dataset, csv, at)

  const training = await client.post<Training>(
    '/v1/trainings',
    trainingOf(names.model, names.dataset),
    `${prefix}-train`,
  )
  const standing = (['checkpoint', 'evaluate', 'register'] as const).map(point => at(point, training.id))
  const [trained] = await all([client.follow<Training>(`/v1/trainings/${training.id}`), ...standing])
  expectEnd(trained)

  await createSchedule(client, names)
  await triggerOnce(client, names, prefix, at)
  await client.post(`/v1/schedules/${names.schedule}/pause`, { note: 'done' }, `${prefix}-pause`)
}

/** A file uploaded, and committed as the next version of a dataset. */
export async function commitDataset(
  client: PatientClient,
  dataset: string,
  csv: string,
  at: AtPoint,
): Promise<void> {
  let struck: Promise<void> = Promise.resolve()
  const upload = await client.upload(csv, () => {
    struck = at('upload', undefined)
    // What the strike has to say is said below; here it only holds the second half back.
    return struck.catch(() => undefined)
  })
  await struck
  const body = {
    upload: upload.id,
    columns: { dteday: { type: 'date', format: '%m/%d/%Y' } },
    expectations: [
      { kind: 'not_null', column: 'cnt' },
      { kind: 'unique', columns: ['dteday', 'hr'] },
    ],
    message: 'kill suite',
  }
  const path = `/v1/datasets/${dataset}`
  const { id } = await client.post<DatasetCommit>(`${path}/versions`, body, `${dataset}-commit`)
  const [committed] = await all([client.follow<DatasetCommit>(`${path}/commits/${id}`), at('commit', id)])
  expectEnd(committed)
}

async function createSchedule(client: PatientClient, { schedule, weekly, dataset }: Names): Promise<void> {
  const body = {
    name: schedule,
    training: trainingOf(weekly, dataset, 40),
    timing: { cron: '0 3 1 1 *', timeZone: 'UTC', overlap: 'skip', catchUpSeconds: 60 },
  }
  try {
    await client.post<Schedule>('/v1/schedules', body, `${schedule}-create`)
  } catch (error) {
    // The first try was heard, its answer was not.
    if (!(error instanceof Refused) || error.problem.code !== 'already_exists') throw error
  }
}

async function triggerOnce(
  client: PatientClient,
  { schedule, weekly }: Names,
  prefix: string,
  at: AtPoint,
): Promise<void> {
  const trigger = () => client.post(`/v1/schedules/${schedule}/trigger`, {}, `${prefix}-trigger`)
  await all([trigger(), at('trigger', undefined)])
  // Who is not sure whether it was heard says it again: the key makes it one.
  await trigger()
  const end = Date.now() + 60_000
  for (;;) {
    const { items } = await client.get<Page<TrainingSummary>>(`/v1/trainings?model=${weekly}`)
    if (items[0] !== undefined) {
      expectEnd(await client.follow<Training>(`/v1/trainings/${items[0].id}`))
      return
    }
    if (Date.now() > end)
      throw new Error(`Schedule ${schedule} was triggered, but started no training within a minute.`)
    await wait(100)
  }
}

export function expectEnd(run: Training | DatasetCommit): void {
  if (run.status === 'succeeded') return
  throw new Error(`Run ${run.id} of ${run.name} ended ${run.status}: ${run.error?.message ?? 'no error'}`)
}
