import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { pino } from 'pino'
import { MlforgeError } from '../../domain/errors.js'
import { type LogOptions, PredictionLog, type RecordDraft } from '../../serving/log/prediction-log.js'
import { Uploader } from '../../serving/log/uploader.js'
import { RecentPredictions } from '../../serving/recent-predictions.js'
import { LocalObjectStore } from '../../stores/objects/local-object-store.js'
import type { NewSegment } from '../../stores/postgres/prediction-store.js'
import { decodeRecords } from '../../stores/segments/segment-codec.js'
import { eventually } from '../support/eventually.js'

const OPTIONS: LogOptions = {
  sealSeconds: 60,
  segmentBytes: 2 ** 20,
  flushSeconds: 0.05,
  logBudgetBytes: 2 ** 30,
}
const silent = pino({ level: 'silent' })

function draft(id: string, deployment = 'bike', eventTime = 1000): RecordDraft {
  const answer = { version: 1, role: 'stable' as const, revision: 1, output: 100 }
  return { deployment, id, ...answer, key: id, eventTime, at: 2000, features: { temp: 0.2 } }
}

describe('the prediction log', () => {
  let directory: string
  let log: PredictionLog
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'mlforge-log-'))
  })
  afterEach(async () => {
    await log.close()
    await rm(directory, { recursive: true, force: true })
  })

  const open = async (options: Partial<LogOptions> = {}): Promise<PredictionLog> =>
    (log = await PredictionLog.open(directory, { ...OPTIONS, ...options }, silent))
  const files = async () => (await readdir(join(directory, 'segments'))).toSorted()
  const inSegments = (name: string) => join(directory, 'segments', name)
  const idsIn = async (name: string) =>
    [...decodeRecords(await readFile(inSegments(name)))].map(({ id, sequence }) => [sequence, id])
  const untilSealed = (count: number) => eventually(() => expect(log.unsent).toBe(count))

  it('holds a record in the file as soon as it is appended', async () => {
    await open()
    log.append([draft('a'), draft('b')])
    expect(await idsIn('1.open')).toEqual([
      [1, 'a'],
      [2, 'b'],
    ])
  })

  it('seals a segment by its age or its size, and begins the next one with the next record', async () => {
    await open({ sealSeconds: 0.05 })
    expect(await files()).toEqual([])
    log.append([draft('a')])
    await untilSealed(1)
    expect(await files()).toEqual(['1.json', '1.sealed'])
    await log.close()
    await open({ segmentBytes: 1024 })
    for (let i = 0; i < 8; i++) log.append([draft(`b${i}`)])
    await untilSealed(2)
    expect(log.oldest()?.facts).toMatchObject({ segment: 1, records: 1, firstSequence: 1, lastSequence: 1 })
    const numbers = (await files()).filter(name => name.endsWith('.sealed'))
    expect(numbers).toEqual(['1.sealed', '2.sealed'])
    expect((await idsIn('2.sealed'))[0]).toEqual([2, 'b0'])
  })

  it('is taken over by the next process: the torn tail is cut, numbers and sequences go on', async () => {
    await open()
    const { replica } = log
    log.append([draft('a'), draft('b')])
    const whole = (await readFile(inSegments('1.open'))).length
    const copy = await readFile(inSegments('1.open'))
    await log.close()
    // As a kill leaves it: the segment still open, with half of another record behind.
    await rm(inSegments('1.sealed'))
    await rm(inSegments('1.json'))
    await writeFile(inSegments('1.open'), copy)
    await appendFile(inSegments('1.open'), copy.subarray(0, 37))
    await open()
    expect(log.replica).toBe(replica)
    expect(await files()).toEqual(['1.json', '1.sealed'])
    expect((await readFile(inSegments('1.sealed'))).length).toBe(whole)
    log.append([draft('c')])
    expect(await idsIn('2.open')).toEqual([[3, 'c']])
  })

  it('removes a segment of which no whole record is left, and uses its number', async () => {
    await open()
    log.append([draft('a')])
    await log.close()
    await rm(inSegments('1.json'))
    await truncate(inSegments('1.sealed'), 20)
    await appendFile(inSegments('2.open'), 'x')
    await open()
    expect(await files()).toEqual(['1.sealed'])
    log.append([draft('b')])
    expect(await files()).toEqual(['1.sealed', '2.open'])
  })

  it('goes on with its numbers when everything was sent', async () => {
    await open()
    log.append([draft('a'), draft('b')])
    await log.close()
    await log.sent(log.oldest()!.facts)
    expect([await files(), log.bytes, log.unsent]).toEqual([[], 0, 0])
    await open()
    log.append([draft('c')])
    expect(await idsIn('2.open')).toEqual([[3, 'c']])
  })

  it('drops records beyond its budget, and names what is missing with the next segment', async () => {
    await open({ logBudgetBytes: 1000 })
    for (let i = 1; i <= 10; i++) log.append([draft(`a${i}`, i % 2 === 0 ? 'bike' : 'taxi', i)])
    expect(log.bytes).toBeLessThanOrEqual(1000)
    const kept = (await idsIn('1.open')).length
    expect(kept + log.dropped).toBe(10)
    expect(kept).toBeGreaterThan(2)
    await log.close()
    const { gaps } = log.oldest()!.facts
    const dropped = Array.from({ length: 10 - kept }, (_, i) => kept + 1 + i)
    expect(gaps.toSorted((a, b) => a.firstSequence - b.firstSequence)).toEqual(
      [0, 1].map(k => {
        const own = dropped.filter((_, i) => i % 2 === k)
        return {
          deployment: own[0]! % 2 === 0 ? 'bike' : 'taxi',
          firstSequence: own[0],
          lastSequence: own.at(-1),
          fromEventTime: own[0],
          toEventTime: own.at(-1),
        }
      }),
    )
    await log.sent(log.oldest()!.facts)
    await open()
    log.append([draft('b')])
    expect(await idsIn('2.open')).toEqual([[11, 'b']])
    await log.close()
    expect(log.oldest()!.facts.gaps).toEqual([])
  })

  it('remembers gaps over a kill, and names each once', async () => {
    await open({ logBudgetBytes: 500, flushSeconds: 3600 })
    for (let i = 1; i <= 4; i++) log.append([draft(`a${i}`)])
    const { dropped } = log
    expect(dropped).toBeGreaterThan(0)
    // No close, and no flush: the process is gone. What it had noted is in the file already.
    const killed = log
    await open({ logBudgetBytes: 500 })
    const [gap] = log.oldest()!.facts.gaps
    expect(gap).toMatchObject({ firstSequence: 5 - dropped, lastSequence: 4 })
    log.append([draft('b', 'bike')])
    await log.close()
    await open()
    log.append([draft('c')])
    await log.close()
    const facts = (await files()).filter(name => name.endsWith('.json'))
    const all = await Promise.all(
      facts.map(async name => JSON.parse(await readFile(inSegments(name), 'utf8')) as { gaps: unknown[] }),
    )
    expect(all.flatMap(({ gaps }) => gaps)).toContainEqual(gap)
    expect(
      all.flatMap(({ gaps }) => gaps).filter(each => JSON.stringify(each) === JSON.stringify(gap)),
    ).toHaveLength(1)
    await rm(inSegments('1.open'), { force: true })
    await killed.close().catch(() => undefined)
  })

  it.each<[string, (file: string) => string]>([
    ['described and not renamed', name => (name === '1.sealed' ? '1.open' : name)],
    ['renamed, and its gaps not forgotten', name => name],
  ])('names a gap once when it was killed with a segment %s', async (_, left) => {
    await open({ logBudgetBytes: 500 })
    for (let i = 1; i <= 4; i++) log.append([draft(`a${i}`)])
    const state = await readFile(join(directory, 'replica.json'), 'utf8')
    expect(JSON.parse(state)).toMatchObject({ gaps: [{ lastSequence: 4 }] })
    await log.close()
    for (const name of await files()) await rename(inSegments(name), inSegments(left(name)))
    await writeFile(join(directory, 'replica.json'), state)
    await open()
    log.append([draft('b')])
    expect(await idsIn('2.open')).toEqual([[5, 'b']])
    await log.close()
    const facts = await Promise.all(
      ['1.json', '2.json'].map(name =>
        readFile(inSegments(name), 'utf8').then(text => JSON.parse(text) as object),
      ),
    )
    expect(facts).toMatchObject([{ gaps: [{ lastSequence: 4 }] }, { gaps: [] }])
  })

  it('takes another name when its counters are lost, so that no sequence is used twice', async () => {
    await open()
    const { replica } = log
    log.append([draft('a')])
    await log.close()
    await writeFile(join(directory, 'replica.json'), '{"replica":')
    await open()
    expect(log.replica).not.toBe(replica)
    log.append([draft('b')])
    expect(await idsIn('2.open')).toEqual([[2, 'b']])
  })

  it('lets ids be remembered: the ones used last, first answers, no shadows', async () => {
    await open({ segmentBytes: 1024 })
    for (let i = 0; i < 12; i++)
      log.append([draft(`a${i}`), { ...draft(`a${i}`), role: 'shadow', version: 7 }])
    await log.close()
    expect(log.unsent).toBeGreaterThan(2)
    const recent = new RecentPredictions(5)
    await recent.restore(log.recent())
    const known = Array.from({ length: 12 }, (_, i) => recent.find('bike', `a${i}`)?.answer?.version)
    expect(known).toEqual([...Array(7).fill(undefined), 1, 1, 1, 1, 1])
    // At least the last five that were used, whatever else is asked for between them.
    const order = ['a7', 'a8', 'a9', 'a10', 'a11']
    for (let i = 0; i < 40; i++) {
      const id = `b${i}`
      recent.claim('bike', id, '', null)
      order.push(id)
      const again = order[order.length - 3]!
      expect(recent.find('bike', again)).toBeDefined()
      order.push(again)
      const lastUsed = [...new Set(order.toReversed())].slice(0, 5)
      expect(lastUsed.filter(each => recent.find('bike', each) === undefined)).toEqual([])
      order.push(...lastUsed.toReversed())
    }
    expect(order.slice(0, 5).filter(each => recent.find('bike', each))).toEqual([])
  })

  it('is sent in order, whatever is away meanwhile, and removed only then', async () => {
    await open({ sealSeconds: 0.05 })
    const objects = new LocalObjectStore(join(directory, 'objects'))
    const known: NewSegment[] = []
    let away = true
    const catalogue = {
      addSegment: async (segment: NewSegment) => {
        if (away) throw new Error('away')
        known.push(segment)
      },
    }
    const stop = new AbortController()
    const uploader = new Uploader(
      { project: 'default', predictions: log, objects, catalogue, log: silent },
      stop.signal,
    )
    log.append([draft('a'), draft('b')])
    await untilSealed(1)
    log.append([draft('c')])
    await untilSealed(2)
    expect(await files()).toContain('1.sealed')
    away = false
    await uploader.drain(120_000)
    stop.abort()
    expect(await files()).toEqual([])
    expect(known).toMatchObject([
      {
        project: 'default',
        replica: log.replica,
        segment: 1,
        records: 2,
        firstSequence: '1',
        lastSequence: '2',
      },
      { segment: 2, records: 1, firstSequence: '3', lastSequence: '3', gaps: [] },
    ])
    expect(await objects.size(known[0]!.uri)).toBe(Number(known[0]!.bytes))
  })

  it('takes another identity where its own has gone on without it', async () => {
    await open({ sealSeconds: 0.05 })
    const { replica } = log
    const objects = new LocalObjectStore(join(directory, 'objects'))
    const known: NewSegment[] = []
    const catalogue = {
      addSegment: async (segment: NewSegment) => {
        if (segment.replica === replica) throw new MlforgeError('already_exists', 'known with other content')
        known.push(segment)
      },
    }
    const stop = new AbortController()
    const ports = { project: 'default', predictions: log, objects, catalogue, log: silent }
    const uploader = new Uploader(ports, stop.signal)
    log.append([draft('a')])
    await eventually(() => expect(known).toMatchObject([{ segment: 1, records: 1 }]))
    await uploader.drain(10_000)
    stop.abort()
    await log.close()
    await open()
    expect(log.replica).toBe(known[0]!.replica)
  })

  it('keeps its identity until another one is on the disk', async () => {
    await open()
    const { replica } = log
    const inTheWay = join(directory, 'replica.json.new')
    await mkdir(inTheWay)
    await expect(log.rename()).rejects.toThrow('EISDIR')
    expect(log.replica).toBe(replica)
    await rmdir(inTheWay)
    await log.rename()
    expect(log.replica).not.toBe(replica)
  })

  it('takes another identity while gaps and segments are being noted', async () => {
    await open({ logBudgetBytes: 2000, segmentBytes: 200, flushSeconds: 0.001 })
    for (let i = 1; i <= 40; i++) {
      log.append([draft(`a${i}`)])
      await Promise.all([log.rename(), log.rename()])
    }
    const { replica } = log
    expect(log.dropped).toBeGreaterThan(0)
    await log.close()
    await open()
    expect(log.replica).toBe(replica)
    log.append([draft('b')])
    await log.close()
    const state = await readFile(join(directory, 'replica.json'), 'utf8')
    expect(JSON.parse(state)).toMatchObject({ replica, sequence: 41, gaps: [] })
  })
})
