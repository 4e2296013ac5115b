import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { filesOf } from '../../domain/data/walk.js'
import { fsckData } from '../../infra/launcher/data-fsck.js'
import { objectUri } from '../../stores/objects/object-uri.js'
import { push, treeOf } from '../support/data-push.js'
import { Harness, PROJECT } from '../support/harness.js'

const CSV = 'day,demand\n2026-01-01,1\n2026-01-02,2\n'

describe('fsck of data', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await Harness.start()
    const images = await treeOf({ 'a.bin': randomBytes(100_000), 'sub/b.bin': randomBytes(900) })
    await push(harness, 'images', images, { message: 'first', code: { commit: 'c0ffee', dirty: true } })
    const more = await treeOf({ 'a.bin': randomBytes(100), 'empty.txt': '' })
    await push(harness, 'images', more, { base: 1, author: 'somebody else' })
    await push(harness, 'images', images, { base: 2, branch: 'side' })
    await harness.ended(
      await harness.commit('hours', CSV, {
        expectations: [{ kind: 'row_count', min: 1, severity: 'error' }],
      }),
    )
    const suite = { version: 3, sha256: '5e'.repeat(32) }
    await harness.ended(await harness.commit('hours', `${CSV}2026-01-03,3\n`, { suite }))
    const { datasets, refs } = harness.ports
    const dataset = await datasets.get(PROJECT, 'images')
    for (const version of [1, 2]) {
      await refs.move(dataset, { kind: 'tag', name: 'gold', version, principal: 'key:test' })
    }
    await refs.move(dataset, { kind: 'tag', name: 'old', version: 1, principal: 'key:test' })
    await refs.move(dataset, { kind: 'tag', name: 'old', version: null, principal: 'key:test' })
    const hours = await datasets.get(PROJECT, 'hours')
    await harness.tick('superviseData')
    await harness.ports.retention.purge(hours.id, 1, { by: 'key:admin', reason: 'asked for' })
    await harness.tick('superviseData')
  })
  afterAll(() => harness?.stop())

  const query = (text: string) => harness.database.dataSource.query<Record<string, unknown>[]>(text)
  /** The catalogue by what it says, not by its ids. */
  const catalogue = async () => ({
    versions: await query(
      `SELECT d.name, v.version, v.branch, v.parent_versions, v.root, v.manifest, v.files, v.bytes, v.rows, v.raw,
         v.parquet, v.schema, v.conversion, v.proposal, v.expectations, v.suite, v.profile, v.parents, v.message, v.author,
         v.code, v.commit, v.run_id, v.effect_key, v.created_at, v.retired_at, v.purge - 'erased' - 'retired' AS purge
       FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id ORDER BY d.name, v.version`,
    ),
    refs: await query(
      `SELECT d.name AS dataset, r.name, r.kind, r.version, r.sequence, r.principal, r.updated_at, r.recorded
       FROM data_refs r JOIN datasets d ON d.id = r.dataset_id ORDER BY d.name, r.name`,
    ),
    packs: await query(
      `SELECT p.project, encode(p.sha256, 'hex') AS sha256, p.bytes, p.verified_at IS NOT NULL AS verified,
         (SELECT json_agg(json_build_array(encode(c.sha256, 'hex'), c."offset", c.stored, c.bytes, c.codec)
            ORDER BY c.sha256) FROM data_chunks c WHERE c.pack_id = p.id) AS chunks
       FROM data_packs p ORDER BY p.sha256`,
    ),
  })
  const content = async () => {
    const { packs, datasets } = harness.ports
    const all: Record<string, string> = {}
    for (const [name, version] of [
      ['images', 1],
      ['images', 2],
      ['images', 3],
      ['hours', 2],
    ] as const) {
      const { manifest } = await datasets.version(PROJECT, name, version)
      for await (const file of filesOf(sha256 => packs.load(PROJECT, sha256), manifest!)) {
        const parts: Uint8Array[] = []
        for await (const part of packs.file(PROJECT, file)) parts.push(part)
        all[`${name} ${version} ${file.path}`] = Buffer.concat(parts).toString('base64')
      }
    }
    return all
  }

  it('finds nothing wrong with what is whole', async () => {
    expect(await fsckData(harness.config)).toEqual({ ok: true, rebuilt: null, problems: [] })
  })

  it('restores the catalogue from the object store alone', async () => {
    const before = { rows: await catalogue(), content: await content() }
    expect(before.rows.versions).toHaveLength(5)
    expect(Object.keys(before.content)).toHaveLength(7)
    await query('TRUNCATE data_packs, data_chunks, datasets, dataset_versions, data_refs CASCADE')
    const lost = await fsckData(harness.config)
    const codes = new Set(lost.problems.map(({ code }) => code))
    expect([...codes].sort()).toEqual(['commit_unknown', 'pack_unknown', 'ref_unknown'])

    const { ok, rebuilt, problems } = await fsckData(harness.config, { rebuild: true })
    expect({ ok, problems }).toEqual({ ok: true, problems: [] })
    expect(rebuilt).toMatchObject({ versions: 5, refs: before.rows.refs.length })
    expect(await catalogue()).toEqual(before.rows)
    expect(await content()).toEqual(before.content)

    // Again, there is nothing left to do.
    const again = await fsckData(harness.config, { rebuild: true })
    expect(again).toMatchObject({ ok: true, rebuilt: { packs: 0, versions: 0, refs: 0 } })
    // Work goes on where it was.
    const next = await harness.ended(await harness.commit('hours', `${CSV}2026-01-04,4\n`))
    expect(next).toMatchObject({ status: 'succeeded', result: { version: 3 } })
    await harness.tick('superviseData')
  })

  it('restores a retired version without what was removed of it', async () => {
    const { datasets, catalogue: known, objects } = harness.ports
    await harness.ended(await harness.commit('retired', `${CSV}2026-02-01,5\n`))
    await harness.ended(await harness.commit('retired', `${CSV}2026-02-01,6\n`))
    await harness.tick('superviseData')
    await query(
      `UPDATE dataset_versions v SET retired_at = now(), end_recorded = false FROM datasets d
       WHERE d.id = v.dataset_id AND d.name = 'retired' AND v.version = 1`,
    )
    await harness.tick('superviseData')
    // As a collection does.
    const { raw, parquet, manifest } = await datasets.version(PROJECT, 'retired', 1)
    const places = await known.locate(PROJECT, [manifest!, raw!.sha256])
    const packs = new Set([...places.values()].flat().map(({ pack }) => pack))
    for (const pack of packs) await objects.remove(objectUri(PROJECT, pack, 'packs'))
    for (const { uri } of [raw!, parquet!]) await objects.remove(uri)

    await query('TRUNCATE data_packs, data_chunks, datasets, dataset_versions, data_refs CASCADE')
    const { ok, problems } = await fsckData(harness.config, { rebuild: true })
    expect({ ok, problems }).toEqual({ ok: true, problems: [] })
    expect(await datasets.version(PROJECT, 'retired', 1)).toMatchObject({
      retiredAt: expect.any(Date),
      raw: null,
      parquet: null,
    })
    expect(await datasets.version(PROJECT, 'retired', 2)).toMatchObject({ retiredAt: null, rows: '3' })
  })

  it('says of what was refused as a pack that a collection removes it', async () => {
    const { objects } = harness.ports
    const { uri } = await objects.write(PROJECT, randomBytes(500), { kind: 'packs' })
    const { problems } = await fsckData(harness.config)
    expect(problems).toEqual([
      {
        code: 'pack_unknown',
        at: uri,
        message: expect.stringMatching(/no whole pack.*A collection removes/),
      },
    ])
    await objects.remove(uri)
  })

  it('takes on no chunk that was not verified', async () => {
    const { catalogue: known, objects, packs } = harness.ports
    // As of a push that was refused: its rows are gone, its object is not.
    const { packs: made } = await treeOf({ 'good.bin': randomBytes(5_000), 'bad.bin': randomBytes(5_000) })
    const [{ chunks, content: whole }] = made as [(typeof made)[number]]
    const [bad, ...good] = chunks.toSorted((a, b) => b.stored - a.stored)
    const content = Buffer.from(whole)
    content[bad!.offset + 1]! ^= 1
    const { uri } = await objects.write(PROJECT, content, { kind: 'packs' })
    // And one that nobody has verified yet.
    const [{ id }] = await query(
      `UPDATE data_packs SET verified_at = NULL WHERE id = (SELECT min(id) FROM data_packs) RETURNING id`,
    ).then(([rows]) => rows as unknown as [{ id: string }])

    const { problems } = await fsckData(harness.config, { rebuild: true })
    expect(problems).toContainEqual(expect.objectContaining({ code: 'pack_corrupt', at: uri }))
    const hashes = [bad!, ...good].map(({ sha256 }) => sha256)
    expect(await known.missing(PROJECT, hashes, null)).toEqual([bad!.sha256])
    for (const { sha256, bytes } of good) expect(await packs.load(PROJECT, sha256)).toHaveLength(bytes)
    expect(await query(`SELECT verified_at FROM data_packs WHERE id = ${id}`)).toEqual([
      { verified_at: null },
    ])
    await query(`UPDATE data_packs SET verified_at = now() WHERE id = ${id}`)
    await objects.remove(uri)
  })

  it('says what is missing in the object store', async () => {
    const { commit } = await harness.ports.datasets.version(PROJECT, 'images', 2)
    await rm(harness.objectFile(`${PROJECT}/commits/${commit!.slice(0, 2)}/${commit}`))
    const [pack] = await harness.ports.objects.list(PROJECT, 'packs', { limit: 1 })
    await rm(harness.objectFile(pack!.uri))
    const { ok, problems } = await fsckData(harness.config)
    expect(ok).toBe(false)
    expect(problems).toMatchObject([
      { code: 'pack_missing', at: pack!.uri },
      { code: 'commit_missing', at: 'dataset images version 2' },
    ])
  })
})
