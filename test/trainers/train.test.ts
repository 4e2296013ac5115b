import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { mkdir, writeFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JobEvent, TrainJob, TrainResult } from '../../trainers/protocol.js'
import { runJob } from '../../trainers/runner.js'
import { eventually } from '../support/eventually.js'
import { FEATURES, isGone, temporaryDirectory, trainJob, writeBikeRows } from './support.js'

let root: string
let remove: () => Promise<void>
let data: string
let runs = 0

beforeAll(async () => {
  ;({ path: root, remove } = await temporaryDirectory())
  data = join(root, 'train.parquet')
  await writeBikeRows(data, 'yr = 0 AND mnth <= 8')
})
afterAll(() => remove())

async function directory(): Promise<string> {
  const path = join(root, `run-${runs++}`)
  await mkdir(path)
  return path
}

type Checkpoint = Extract<JobEvent, { event: 'checkpoint' }>

async function runTraining(
  job: TrainJob,
  signal?: AbortSignal,
): Promise<{ result: TrainResult; events: JobEvent[] }> {
  const events: JobEvent[] = []
  const onEvent = (event: JobEvent): void => void events.push(event)
  const options = { scratch: job.directory, onEvent, ...(signal === undefined ? {} : { signal }) }
  return { result: await runJob(job, options), events }
}

const checkpoints = (events: readonly JobEvent[]): Checkpoint[] =>
  events.filter((event): event is Checkpoint => event.event === 'checkpoint')
const fileHash = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')

describe('training in a child process', () => {
  it.each(['exact', 'hist'])(
    'ends with the same bytes when it goes on from a checkpoint in a fresh process (%s, sampling)',
    async method => {
      const job = trainJob(await directory(), data, {}, { tree_method: method, colsample_bytree: 0.7 })
      const whole = await runTraining(job)
      const kept = checkpoints(whole.events)
      expect(kept.map(checkpoint => checkpoint.round)).toEqual([50, 100, 150])
      for (const { file, bytes, sha256 } of kept) {
        expect(fileHash(file)).toBe(sha256)
        expect(readFileSync(file).length).toBe(bytes)
      }
      const from = kept[1]!
      const resumed = await runTraining({ ...job, directory: await directory(), resume: from })
      expect(resumed.result.fromRound).toBe(100)
      expect(checkpoints(resumed.events).map(checkpoint => checkpoint.round)).toEqual([150])
      expect(resumed.result.model.sha256).toBe(whole.result.model.sha256)
      expect(fileHash(resumed.result.model.file)).toBe(whole.result.model.sha256)
      // Sampling must matter, else this would prove nothing.
      const other = await runTraining({
        ...job,
        directory: await directory(),
        parameters: { ...job.parameters, seed: 43 },
      })
      expect(other.result.model.sha256).not.toBe(whole.result.model.sha256)
    },
  )

  it('keeps checkpoints whose bytes do not depend on when its progress was looked at', async () => {
    const hashes = async (resume?: Checkpoint): Promise<Map<number, string>> => {
      const job = trainJob(await directory(), data, { rounds: 150, checkpointEvery: 1 })
      const { events } = await runTraining({ ...job, ...(resume ? { resume } : {}) })
      return new Map(checkpoints(events).map(({ round, sha256 }) => [round, sha256]))
    }
    const whole = await hashes()
    expect(whole.size).toBe(149)
    expect(await hashes()).toEqual(whole)
    const first = await directory()
    const { events } = await runTraining(trainJob(first, data, { rounds: 2, checkpointEvery: 1 }))
    const resumed = await hashes(checkpoints(events)[0])
    whole.delete(1)
    expect(resumed).toEqual(whole)
  })

  it('is killed at a checkpoint by SIGKILL, and resumes to the bytes of an undisturbed run', async () => {
    const job = trainJob(await directory(), data, { rounds: 400 })
    let pid = 0
    let kept: Checkpoint | undefined
    const killed = runJob(job, {
      scratch: job.directory,
      onEvent: event => {
        if (event.event === 'started') pid = event.pid
        if (event.event === 'checkpoint' && event.round === 100) {
          kept = event
          process.kill(pid, 'SIGKILL')
        }
      },
    })
    await expect(killed).rejects.toMatchObject({ code: 'trainer_crashed', details: { signal: 'SIGKILL' } })
    expect(fileHash(kept!.file)).toBe(kept!.sha256)
    const resumed = await runTraining({ ...job, directory: await directory(), resume: kept! })
    const whole = await runTraining({ ...job, directory: await directory() })
    expect(resumed.result.model.sha256).toBe(whole.result.model.sha256)
    expect(resumed.result.rounds).toBe(400)
  })

  it('reports what it does: rows, real rounds, importance, memory', async () => {
    const { result, events } = await runTraining(trainJob(await directory(), data, { checkpointEvery: 0 }))
    expect(events[0]).toMatchObject({ event: 'started', engine: 'xgboost 3.4.1', rows: 5725, fromRound: 0 })
    expect(events.at(-1)).toMatchObject({ event: 'progress', round: 200, rounds: 200 })
    const progress = events.flatMap(event => (event.event === 'progress' ? [event] : []))
    const rounds = progress.map(event => event.round)
    expect(rounds).toEqual([...new Set(rounds)].toSorted((a, b) => a - b))
    expect(result.trainRmse).toBe(progress.at(-1)!.trainRmse)
    expect(Object.keys(result.featureImportance)).toEqual([...FEATURES])
    expect(result.featureImportance.yr).toBe(0)
    expect(result.featureImportance.hr).toBeGreaterThan(result.featureImportance.windspeed!)
    expect(result.peakRssBytes).toBeGreaterThan(30e6)
    expect(result.checkpointSeconds).toBeLessThan(0.05)
    expect(checkpoints(events)).toEqual([])
  })

  it('stops with its process when the signal aborts', async () => {
    const abort = new AbortController()
    const job = trainJob(await directory(), data, { rounds: 100_000 })
    let pid = 0
    const running = runJob(job, {
      scratch: job.directory,
      signal: abort.signal,
      onEvent: event => {
        if (event.event === 'started') pid = event.pid
        if (event.event === 'checkpoint') abort.abort()
      },
    })
    await expect(running).rejects.toMatchObject({ code: 'cancelled' })
    expect(pid).toBeGreaterThan(0)
    await eventually(() => expect(isGone(pid)).toBe(true))
    await expect(runJob(job, { scratch: job.directory, signal: abort.signal })).rejects.toMatchObject({
      code: 'cancelled',
    })
  })

  it('says so when the process cannot be started', async () => {
    const path = await directory()
    await expect(runJob(trainJob(path, data), { scratch: join(path, 'gone') })).rejects.toMatchObject({
      code: 'trainer_crashed',
      message: expect.stringMatching(/could not be started in .*gone/),
    })
  })
})

describe('bad input', () => {
  it.each([
    ['an absent column', 'yr = 0', '*', { features: ['hr', 'humidity'] }, 'unknown_column', /humidity/],
    [
      'text as a feature',
      'yr = 0',
      '*',
      { features: ['hr', 'dteday'] },
      'value_not_of_type',
      /dteday.*VARCHAR/,
    ],
    ['an absent target', 'yr = 0', '*', { target: 'count' }, 'target_invalid', /count/],
    ['text as the target', 'yr = 0', '*', { target: 'dteday' }, 'target_invalid', /dteday/],
    ['a constant target', 'yr = 0', '*', { target: 'yr' }, 'target_invalid', /0 in every row/],
    ['no rows', 'yr = 7', '*', {}, 'target_invalid', /no rows/],
    [
      'missing labels',
      'yr = 0',
      '* REPLACE (CASE WHEN instant % 1000 = 3 THEN NULL ELSE cnt END AS cnt)',
      {},
      'label_invalid',
      /9 of 8645 rows, first in row 3/,
    ],
    [
      'an infinite label',
      'yr = 0',
      "* REPLACE (CASE WHEN instant = 5 THEN 'inf'::DOUBLE ELSE cnt END AS cnt)",
      {},
      'label_invalid',
      /row 5/,
    ],
    [
      'a feature past float32',
      'yr = 0',
      '* REPLACE (CASE WHEN instant = 4 THEN 1e300 ELSE temp END AS temp)',
      {},
      'value_not_of_type',
      /temp.*row 4/,
    ],
  ] as const)('%s is refused', async (_, where, columns, change, code, message) => {
    const path = await directory()
    const file = join(path, 'rows.parquet')
    await writeBikeRows(file, where, columns)
    const job = trainJob(path, file)
    await expect(
      runJob({ ...job, data: { ...job.data, ...change } }, { scratch: path }),
    ).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  it('names the engine, the file or the checkpoint that cannot be used', async () => {
    const path = await directory()
    const job = trainJob(path, data, { rounds: 60 })
    const run = (change: Partial<TrainJob>): Promise<TrainResult> =>
      runJob({ ...job, ...change }, { scratch: path })
    await expect(run({ library: '/nowhere/libxgboost.so' })).rejects.toMatchObject({ code: 'engine_missing' })
    await expect(run({ library: data })).rejects.toMatchObject({ code: 'engine_missing' })
    await expect(run({ data: { ...job.data, file: join(path, 'gone') } })).rejects.toMatchObject({
      code: 'object_missing',
    })
    const broken = join(path, 'broken')
    await writeFile(broken, 'PAR1 not really')
    await expect(run({ data: { ...job.data, file: broken } })).rejects.toMatchObject({
      code: 'object_corrupt',
    })
    const { events } = await runTraining(job)
    const { file } = checkpoints(events)[0]!
    await expect(run({ resume: { file, round: 49 } })).rejects.toMatchObject({ code: 'object_corrupt' })
    await expect(run({ resume: { file: broken, round: 50 } })).rejects.toMatchObject({
      code: 'object_corrupt',
    })
  })

  it('passes the reason of the engine on, without its C++ stack', async () => {
    const path = await directory()
    const job = trainJob(path, data)
    const parameters = { ...job.parameters, objective: 'reg:nothing' }
    const failed = runJob({ ...job, parameters }, { scratch: path })
    await expect(failed).rejects.toMatchObject({
      code: 'trainer_failed',
      message: expect.stringMatching(/Unknown objective function.*reg:nothing/),
    })
    await expect(failed).rejects.not.toMatchObject({ message: expect.stringMatching(/Stack trace/) })
  })

  it('trains over missing values', async () => {
    const path = await directory()
    const file = join(path, 'rows.parquet')
    await writeBikeRows(
      file,
      'yr = 0',
      '* REPLACE (CASE WHEN instant % 7 = 0 THEN NULL ELSE temp END AS temp)',
    )
    const { result } = await runTraining(trainJob(path, file, { checkpointEvery: 0 }))
    expect(result.rows).toBe(8645)
    expect(result.trainRmse).toBeLessThan(60)
  })
})
