import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { pino } from 'pino'
import { DataSource } from 'typeorm'
import { MAX_LOG_BYTES, StepLog } from '../../../activities/pipelines/step-log.js'
import { archiveStepLog } from '../../../activities/pipelines/step-log-archive.js'
import { uuidv7 } from '../../../stores/ids.js'
import { LocalObjectStore } from '../../../stores/objects/local-object-store.js'
import { dataSourceOptions } from '../../../stores/postgres/data-source.js'
import { StepLogChunk } from '../../../stores/postgres/entities/step-log.js'
import { type StepLogRef, StepLogStore } from '../../../stores/postgres/step-log-store.js'
import { eventually } from '../../support/eventually.js'
import { testDatabase, type TestDatabase } from '../../support/postgres.js'

let database: TestDatabase
let stepLogs: StepLogStore
let directory: string
let objects: LocalObjectStore
let ref: StepLogRef
let warnings: string[]
const logger = pino({ level: 'warn' }, { write: line => void warnings.push(line) })

beforeAll(async () => {
  database = await testDatabase()
  const alone = new DataSource({ ...dataSourceOptions(database.url), entities: [StepLogChunk] })
  await alone.initialize()
  await alone.synchronize()
  await alone.destroy()
  stepLogs = new StepLogStore(database.dataSource)
  directory = await mkdtemp(join(tmpdir(), 'mlforge-step-log-'))
  objects = new LocalObjectStore(directory)
})
afterAll(async () => {
  await database.drop()
  await rm(directory, { recursive: true, force: true })
})
beforeEach(() => {
  ref = { runId: uuidv7(), step: 'load', generation: 0 }
  warnings = []
})

const begin = (): StepLog => new StepLog(stepLogs, ref, logger)
const textOf = async (): Promise<string> =>
  (await stepLogs.read(ref, 0, 10_000)).map(({ text }) => text).join('')
/** The lines without their times. */
const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map(line => line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z /, ''))
const contentOf = async (uri: string): Promise<string> =>
  readFile(await objects.toFile(uri, directory), 'utf8')

/** Takes the table away from everybody, until the work is done. */
async function withoutTable(work: () => Promise<void>): Promise<void> {
  await database.dataSource.query('ALTER TABLE step_log_chunks RENAME TO away')
  try {
    await work()
  } finally {
    await database.dataSource.query('ALTER TABLE away RENAME TO step_log_chunks')
  }
}

describe('the log of a step', () => {
  it('is there while the step works, with the time of each line', async () => {
    const log = begin()
    log.log('one')
    log.log('two\r\nthree\0 \ud800é')
    await eventually(async () =>
      expect(linesOf(await textOf())).toEqual(['one', 'two', 'three\ufffd \ufffdé']),
    )
    const [chunk] = await stepLogs.read(ref, 0, 10)
    expect(chunk).toMatchObject({ sequence: 1, writtenAt: expect.any(Date) })
    expect(chunk!.text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z one\n/)
    await log.close()
    expect(await stepLogs.end(ref)).toEqual({ sequence: 1, bytes: Buffer.byteLength(await textOf()) })
  })

  it('is written in chunks of 64 KiB at most, and read in parts', async () => {
    const log = begin()
    for (let i = 0; i < 5_000; i++) log.log(`line ${i}`)
    await log.close()
    expect(linesOf(await textOf())).toEqual(Array.from({ length: 5_000 }, (_, i) => `line ${i}`))
    const chunks = await stepLogs.read(ref, 0, 100)
    expect(chunks.length).toBeGreaterThan(2)
    expect(chunks.every(({ text }) => Buffer.byteLength(text) <= 64 * 1024)).toBe(true)
    expect(chunks.map(({ sequence }) => sequence)).toEqual(chunks.map((_, i) => i + 1))
    expect(await stepLogs.read(ref, 1, 1)).toEqual([chunks[1]])
  })

  it('goes on after the earlier try, also beside one that does not know that it is dead', async () => {
    const first = begin()
    first.log('first try')
    await first.close()
    const second = begin()
    second.log('second try')
    const dead = begin()
    dead.log('still there')
    await Promise.all([second.close(), dead.close()])
    const lines = linesOf(await textOf())
    expect(lines[0]).toBe('first try')
    expect(lines.slice(1).toSorted()).toEqual(['second try', 'still there'])
    expect((await stepLogs.end(ref)).sequence).toBe(3)
    expect(await stepLogs.end({ ...ref, generation: 1 })).toEqual({ sequence: 0, bytes: 0 })
  })

  it('holds at most 10 MiB of all tries together, and says where the rest is left out', async () => {
    const line = 'x'.repeat(8_000)
    const first = begin()
    for (let i = 0; i < 1_000; i++) first.log(line)
    await first.close()
    const second = begin()
    for (let i = 0; i < 1_000; i++) second.log(line)
    await second.close()
    second.log('too late')
    await second.close()
    const lines = linesOf(await textOf())
    expect(lines.at(-1)).toBe('The rest is left out: a log holds 10 MiB of a step.')
    expect(lines.filter(one => one !== line)).toHaveLength(1)
    const { bytes } = await stepLogs.end(ref)
    expect(bytes).toBeGreaterThan(MAX_LOG_BYTES - 16_384)
    expect(bytes).toBeLessThan(MAX_LOG_BYTES + 200)
  })

  it('loses nothing while it cannot be written, and fails nobody', async () => {
    let log!: StepLog
    await withoutTable(async () => {
      log = begin()
      log.log('before')
      log.log('meanwhile')
      await eventually(() => expect(warnings).toHaveLength(1))
      await log.close()
      expect(warnings).toHaveLength(1)
    })
    expect(JSON.parse(warnings[0]!)).toMatchObject({ step: 'load', lines: 2 })
    log.log('after')
    await log.close()
    expect(linesOf(await textOf())).toEqual(['before', 'meanwhile', 'after'])
  })

  it('cuts what a step prints while nothing can be written, once for all', async () => {
    const log = begin()
    await withoutTable(async () => {
      for (let i = 0; i < 1_400; i++) log.log('x'.repeat(8_000))
      await log.close()
    })
    await log.close()
    const lines = linesOf(await textOf())
    expect(lines.filter(line => line.startsWith('The rest is left out'))).toHaveLength(1)
    expect(lines.at(-1)).toContain('The rest is left out')
    expect((await stepLogs.end(ref)).bytes).toBeLessThan(MAX_LOG_BYTES + 200)
  })

  it('takes a chunk whose answer was lost for written', async () => {
    expect(await stepLogs.append(ref, 1, 'a\n')).toBe(true)
    expect(await stepLogs.append(ref, 1, 'a\n')).toBe(true)
    expect(await stepLogs.append(ref, 1, 'b\n')).toBe(false)
    expect(await textOf()).toBe('a\n')
  })
})

describe('an archived log', () => {
  it('is one object of all tries, whose rows go with the transaction that knows it', async () => {
    const first = begin()
    for (let i = 0; i < 20; i++) {
      first.log(`${i} ${'x'.repeat(8_000)}`)
      await first.close()
    }
    const second = begin()
    second.log('done')
    const { content, remove } = await second.archive({ objects, stepLogs }, 'default')
    const text = await textOf()
    const all = await contentOf(content!.uri)
    expect(all.startsWith(text)).toBe(true)
    // What was not written as a row goes into the object alone.
    expect(linesOf(all).slice(linesOf(text).length)).toEqual(['done'])
    expect(linesOf(all)).toHaveLength(21)
    await expect(
      database.dataSource.transaction(async transaction => {
        await remove(transaction)
        throw new Error('rolled back')
      }),
    ).rejects.toThrow('rolled back')
    expect(await textOf()).toBe(text)
    await stepLogs.append({ ...ref, step: 'other' }, 1, 'stays\n')
    await database.dataSource.transaction(remove)
    expect(await textOf()).toBe('')
    expect((await stepLogs.end({ ...ref, step: 'other' })).sequence).toBe(1)
  })

  it('has the lines that could not be written as rows', async () => {
    // A table that can be read, and not written to: another session has locked it against writers alone.
    const impatient = new URL(database.url)
    impatient.searchParams.set('options', '-c lock_timeout=100ms')
    const [holder, hasty] = await Promise.all([
      new DataSource({ type: 'postgres', url: database.url }).initialize(),
      new DataSource(dataSourceOptions(impatient.toString())).initialize(),
    ])
    const runner = holder.createQueryRunner()
    await runner.startTransaction()
    await runner.query('LOCK TABLE step_log_chunks IN SHARE MODE')
    const log = new StepLog(new StepLogStore(hasty), ref, logger)
    log.log('only in the object')
    const { content } = await log.archive({ objects, stepLogs }, 'default')
    expect(linesOf(await contentOf(content!.uri))).toEqual(['only in the object'])
    expect(await textOf()).toBe('')
    await runner.rollbackTransaction()
    await Promise.all([hasty.destroy(), holder.destroy()])
  })

  it('is nothing where nothing was printed', async () => {
    const { content, remove } = await archiveStepLog({ objects, stepLogs }, 'default', ref)
    expect(content).toBeNull()
    await database.dataSource.transaction(remove)
  })
})
