import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { SeenObjects } from '../../activities/data/seen-objects.js'
import { readRecords, verifyEnds } from '../../activities/data/verify-records.js'
import type { DataVerification, VerificationReport } from '../../contracts/rest/data-collection.js'
import { badRowsOf } from '../../domain/datasets/bad-rows.js'
import { decodeRefOrEnd } from '../../domain/data/commit.js'
import { rawName } from '../../domain/datasets/reading.js'
import { findFile } from '../../domain/data/walk.js'
import { fsckData } from '../../infra/launcher/data-fsck.js'
import { uuidv7 } from '../../stores/ids.js'
import { bytesOf } from '../../stores/objects/whole.js'
import type { EndStore } from '../../stores/postgres/end-store.js'
import { TestApi } from '../api/support/api.js'
import { type Files, push, type Tree, treeOf } from '../support/data-push.js'
import { eventually } from '../support/eventually.js'
import { Harness, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'

describe('datasetVerify', () => {
  let harness: Harness
  let api: TestApi
  let tree: Tree
  /** As a table is kept: the file that it was made from. */
  let hours: Tree
  const files: Files = {
    'a.bin': randomBytes(40_000),
    'b.bin': randomBytes(3_000),
    'c.bin': randomBytes(500),
  }
  beforeAll(async () => {
    harness = await Harness.start()
    api = await TestApi.beside(harness)
    tree = await treeOf(files)
    await push(harness, 'images', tree)
    const csv = 'day,demand\n2026-01-01,1\n2026-01-02,2\n'
    hours = await treeOf({ [rawName('csv')]: Buffer.from(csv) })
    await harness.ended(await harness.commit('hours', csv))
    await harness.tick('superviseData')
  })
  afterAll(async () => {
    await api?.stop()
    await harness?.stop()
  })

  const verify = async (body: object = {}) => {
    const answer = await api.call('POST', '/v1/data/verifications', { body })
    expect(answer).toMatchObject({ status: 202 })
    const { id } = answer.body as DataVerification
    const run = await eventually(async () => {
      const found = (await api.call('GET', `/v1/data/verifications/${id}`)).body as DataVerification
      expect(found.status).toBe('succeeded')
      return found
    })
    const report = (await api.call('GET', `/v1/data/verifications/${id}/report`)).body as VerificationReport
    return { run, report }
  }
  const flip = async (uri: string, position: number) => {
    const file = harness.objectFile(uri)
    const bytes = await readFile(file)
    bytes[position % bytes.length]! ^= 0x40
    await writeFile(file, bytes)
  }
  const uriOf = (kind: string, sha256: string) => `${PROJECT}/${kind}/${sha256.slice(0, 2)}/${sha256}`
  const urisOf = async (kind: 'packs' | 'commits' | 'refs') =>
    (await harness.ports.objects.list(PROJECT, kind, { limit: 100 })).map(({ uri }) => uri)
  const tables = async () => {
    const rows: { uri: string }[] = await harness.database.dataSource.query(
      `SELECT DISTINCT content.uri FROM dataset_versions v
       CROSS JOIN LATERAL (VALUES (v.raw->>'uri'), (v.parquet->>'uri')) AS content(uri)
       WHERE content.uri IS NOT NULL ORDER BY content.uri`,
    )
    return rows.map(({ uri }) => uri)
  }
  const contentOf = async (path: string) => {
    const { packs } = harness.ports
    const file = await findFile(sha256 => packs.load(PROJECT, sha256), tree.manifest, path)
    const parts: Uint8Array[] = []
    for await (const part of packs.file(PROJECT, file!)) parts.push(part)
    return Buffer.concat(parts)
  }
  const placeOf = (path: string) => {
    const { content } = tree.entries.find(entry => entry.path === path)!
    const [pack] = tree.packs
    const chunk = content !== null && 'chunk' in content ? content.chunk : ''
    return { chunk, offset: pack!.chunks.find(({ sha256 }) => sha256 === chunk)!.offset }
  }

  it('finds nothing wrong with what was not touched', async () => {
    const { run, report } = await verify()
    expect(run.found).toMatchObject({ damagedPacks: 0, damagedObjects: 0, lostChunks: 0, damagedFiles: 0 })
    // Commits, changes of branches, raw bytes and a table.
    expect(run.found).toMatchObject({ packs: 2, objects: 6 })
    expect(report).toMatchObject({ files: [], complete: true })
    await record(harness.client, `${PROJECT}/verification/all/${run.id}`, 'datasetVerify.succeeded')
  })

  it('names the files of a chunk that is lost, and has it again when they are pushed again', async () => {
    const { chunk, offset } = placeOf('b.bin')
    await flip(uriOf('packs', tree.packs[0]!.sha256), offset + 7)
    const { run, report } = await verify({ dataset: 'images', version: 'latest' })
    expect(run.found).toMatchObject({ damagedPacks: 1, lostChunks: 1, damagedFiles: 1 })
    expect(report.files).toEqual([{ dataset: 'images', version: 1, path: 'b.bin', chunk }])
    // What was whole of the pack still is.
    expect(await contentOf('a.bin')).toEqual(files['a.bin'])
    await expect(contentOf('b.bin')).rejects.toMatchObject({ code: 'object_missing' })
    expect(await harness.ports.catalogue.missing(PROJECT, [chunk], null)).toEqual([chunk])

    await push(harness, 'again', tree)
    expect(await contentOf('b.bin')).toEqual(files['b.bin'])
    expect((await verify()).run.found).toMatchObject({ damagedPacks: 0, lostChunks: 0 })
  })

  it('heals a chunk that another pack has', async () => {
    const { chunk } = placeOf('c.bin')
    const places = (await harness.ports.catalogue.locate(PROJECT, [chunk])).get(chunk)!
    expect(places.length).toBeGreaterThan(1)
    await flip(uriOf('packs', places[0]!.pack), places[0]!.offset)
    expect((await verify()).run.found).toMatchObject({ damagedPacks: 1, lostChunks: 0, damagedFiles: 0 })
    expect((await verify()).run.found).toMatchObject({ damagedPacks: 0 })
    expect(await contentOf('c.bin')).toEqual(files['c.bin'])
  })

  it('heals the bytes that a table was made from: in packs out of the object, and the object out of packs', async () => {
    const [pack] = hours.packs
    const manifest = hours.manifest
    for (const chunk of pack!.chunks.map(({ sha256 }) => sha256)) {
      for (const place of (await harness.ports.catalogue.locate(PROJECT, [chunk])).get(chunk)!) {
        await flip(uriOf('packs', place.pack), place.offset + 1)
        expect((await verify()).run.found).toMatchObject({ damagedPacks: 1, lostChunks: 0, damagedFiles: 0 })
        expect((await verify()).run.found).toMatchObject({ damagedPacks: 0, damagedObjects: 0 })
      }
    }
    const file = await findFile(sha256 => harness.ports.packs.load(PROJECT, sha256), manifest, rawName('csv'))
    expect(file).not.toBeNull()

    const { raw } = await harness.ports.datasets.version(PROJECT, 'hours', { kind: 'latest' })
    await flip(raw!.uri, 3)
    const { run, report } = await verify()
    expect(run.found).toMatchObject({ damagedObjects: 1, lostObjects: 0 })
    expect(report.damagedObjects).toMatchObject([{ uri: raw!.uri, healed: true }])
    expect((await verify()).run.found).toMatchObject({ damagedObjects: 0 })
  })

  it('makes a damaged table anew out of its raw bytes, be these damaged as well, and says where that fails', async () => {
    const csv = Buffer.from(
      `tag;zahl\n2026-01-01;1\n2026-01-02;zwei\n2026-01-03;3;4\n2026-01-04;4\n`,
      'utf16le',
    )
    const run = await harness.commit('odd', Buffer.concat([Buffer.from([0xff, 0xfe]), csv]), {
      stated: { ragged: true },
      columns: { zahl: { type: 'integer' } },
      badRows: badRowsOf({ maxBadRows: 2 }),
    })
    expect(await harness.ended(run)).toMatchObject({ status: 'succeeded' })
    await harness.ended(await harness.commit('plain', 'a,b\n1,2\n'))
    await harness.tick('superviseData')
    for (const [name, damaged] of [
      ['plain', ['parquet']],
      ['odd', ['parquet']],
      ['odd', ['quarantine']],
      ['odd', ['raw', 'parquet', 'quarantine']],
    ] as const) {
      const version = await harness.ports.datasets.version(PROJECT, name, 1)
      for (const what of damaged) await flip(version[what]!.uri, 3)
      const { run: verification, report } = await verify({ dataset: name })
      expect(verification.found).toMatchObject({ damagedObjects: damaged.length, lostObjects: 0 })
      expect(report.damagedObjects.map(({ uri }) => uri)).toEqual(damaged.map(what => version[what]!.uri))
      expect((await verify()).run.found).toMatchObject({ damagedObjects: 0 })
    }

    // Another engine would have written other bytes.
    const { parquet } = await harness.ports.datasets.version(PROJECT, 'plain', 1)
    const other = await harness.ports.objects.write(PROJECT, Buffer.from('as another engine wrote it'), {
      kind: 'table-data',
    })
    const set = (content: object) =>
      harness.database.dataSource.query(
        `UPDATE dataset_versions v SET parquet = $1 FROM datasets d WHERE d.id = v.dataset_id AND d.name = 'plain'`,
        [content],
      )
    await set(other)
    await flip(other.uri, 3)
    const { run: failed, report } = await verify({ dataset: 'plain' })
    expect(failed.found).toMatchObject({ damagedObjects: 1, lostObjects: 1 })
    expect(report.damagedObjects).toMatchObject([{ uri: other.uri, healed: false }])
    await set(parquet!)
    await harness.ports.objects.remove(other.uri)
  })

  it('sees a flipped byte in anything that it reads', async () => {
    const [flips] = fc.sample(
      fc.array(
        fc.record({
          kind: fc.constantFrom('packs', 'commits', 'refs', 'tables'),
          at: fc.nat(),
          of: fc.nat(),
        }),
        {
          minLength: 12,
          maxLength: 12,
        },
      ),
      { numRuns: 1, seed: 17 },
    )
    for (const { kind, at, of } of flips!) {
      const uris = kind === 'tables' ? await tables() : await urisOf(kind as 'packs')
      const uri = uris[of % uris.length]!
      await flip(uri, at)
      const { run, report } = await verify()
      const { damagedPacks, damagedObjects, lostObjects, lostChunks } = run.found!
      expect({ uri, at, found: damagedPacks + damagedObjects }).toEqual({ uri, at, found: 1 })
      expect(lostObjects).toBe(0)
      if (kind !== 'packs') expect(report.damagedObjects).toMatchObject([{ uri, healed: true }])
      // Whoever has the files sends them again.
      if (lostChunks > 0) {
        await push(harness, `again-${at}`, tree)
        await push(harness, `hours-${at}`, hours)
      }
      await harness.tick('superviseData')
    }
    const { run } = await verify()
    for (const path of Object.keys(files)) expect(await contentOf(path)).toEqual(files[path])
    expect(run.found).toMatchObject({ damagedPacks: 0, damagedObjects: 0, lostChunks: 0 })
  })

  it('writes again that a version was retired or purged, though it was killed before', async () => {
    const { ports } = harness
    const newer = await treeOf({ 'a.bin': files['a.bin']! })
    for (const name of ['retired', 'purged']) {
      await push(harness, name, tree)
      await push(harness, name, newer, { base: 1 })
    }
    await harness.tick('superviseData')
    const before = new Set(await urisOf('refs'))
    await harness.database.dataSource.query(
      `UPDATE dataset_versions v SET retired_at = now(), end_recorded = false FROM datasets d
       WHERE d.id = v.dataset_id AND d.name = 'retired' AND v.version = 1`,
    )
    const { id } = await ports.datasets.get(PROJECT, 'purged')
    await ports.retention.purge(id, 1, { by: 'key:admin', reason: 'asked for' })
    await harness.tick('superviseData')
    const uris = (await urisOf('refs')).filter(uri => !before.has(uri))
    const isEnd = async (uri: string) => 'end' in decodeRefOrEnd(await bytesOf(ports.objects, uri))
    expect(uris).toHaveLength(2)
    expect((await verify()).run.found).toMatchObject({ damagedObjects: 0 })

    for (const uri of uris) await flip(uri, 5)
    const killed = {
      ...ports,
      ends: Object.assign(Object.create(ports.ends) as EndStore, {
        recordAgain: () => Promise.reject(new Error('killed')),
      }),
    }
    const seen = new SeenObjects(ports.damages, uuidv7())
    const { signal } = new AbortController()
    await readRecords('refs')(killed, PROJECT, seen, signal)
    await expect(verifyEnds(killed, PROJECT, seen, signal)).rejects.toThrow('killed')
    const { report } = await verify()
    expect(report.damagedObjects.map(({ uri }) => uri).sort()).toEqual(uris.sort())
    await harness.tick('superviseData')
    for (const uri of uris) expect(await isEnd(uri)).toBe(true)

    // Gone, as of somebody who was killed later.
    for (const uri of uris) await ports.objects.remove(uri)
    const { problems } = await fsckData(harness.config)
    expect(problems).toMatchObject([
      { code: 'end_missing', at: 'dataset purged version 1', message: expect.stringContaining('purged') },
      { code: 'end_missing', at: 'dataset retired version 1', message: expect.stringContaining('retired') },
    ])
    expect((await verify()).run.found).toMatchObject({ damagedObjects: 2, lostObjects: 0 })
    await harness.tick('superviseData')
    expect(await fsckData(harness.config)).toMatchObject({ problems: [] })
  })
})
