import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import type { DataCollection, DatasetRetention, PurgedVersion } from '../../contracts/rest/data-collection.js'
import type { DataFile } from '../../contracts/rest/data.js'
import type { TestApi } from '../api/support/api.js'
import { sha256Hex } from '../../stores/ids.js'
import { type CollectionBench, withEachStore } from '../support/collections.js'
import { acceptPush, push, sendPack, treeOf } from '../support/data-push.js'
import { eventually } from '../support/eventually.js'
import { type Harness, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'

const CSV = 'day,demand\n2026-01-01,1\n2026-01-02,2\n'

withEachStore('datasetGc', start => {
  let bench: CollectionBench
  let harness: Harness
  let api: TestApi
  beforeAll(async () => {
    bench = await start()
    ;({ harness, api } = bench)
  })
  afterAll(() => bench?.stop())

  const collect = (path?: string, body?: object) => bench.collect(path, body)
  const packs = async () =>
    (await harness.ports.objects.list(PROJECT, 'packs', { limit: 1_000 })).map(({ uri }) => uri)
  const isThere = async (sha256: string) => (await packs()).some(uri => uri.endsWith(sha256))
  const files = (name: string, version: number) =>
    api.call('GET', `/v1/datasets/${name}/versions/${version}/files`)

  it('plans what nothing needs, and removes it when told to; what is being sent stays', async () => {
    const kept = await treeOf({ 'a.bin': randomBytes(2_000) })
    await push(harness, 'kept', kept)
    const left = await treeOf({ 'b.bin': randomBytes(3_000) })
    const leaving = await acceptPush(harness, 'left', left)
    await sendPack(harness, leaving, left.packs[0]!)

    const early = await collect('', { execute: true })
    expect(early).toMatchObject({ status: 'succeeded', executes: true, removed: { packs: 0, kept: 1 } })
    expect(await isThere(left.packs[0]!.sha256)).toBe(true)

    await harness.client.workflow.getHandle(leaving.workflowId).cancel()
    await harness.ended(leaving)
    await harness.ports.transfers.release(leaving.id)
    const planned = await collect('', {})
    expect(planned).toMatchObject({
      status: 'succeeded',
      executes: false,
      plan: { versions: 0, packs: 1, packBytes: left.packs[0]!.bytes, repacks: 0, unknownObjects: 0 },
      executableUntil: expect.any(String),
      removed: null,
    })
    expect(await isThere(left.packs[0]!.sha256)).toBe(true)
    await record(harness.client, `${PROJECT}/collection/all/${planned.id}`, 'datasetGc.planned')

    const executed = await collect(`/${planned.id}/execute`)
    expect(executed).toMatchObject({
      status: 'succeeded',
      planId: planned.id,
      removed: { packs: 1, kept: 0 },
    })
    expect(await isThere(left.packs[0]!.sha256)).toBe(false)
    expect(await isThere(kept.packs[0]!.sha256)).toBe(true)
    expect((await files('kept', 1)).status).toBe(200)
    await record(harness.client, `${PROJECT}/collection/all/${executed.id}`, 'datasetGc.executed')

    const again = await api.call('POST', `/v1/data/collections/${planned.id}/execute`, { key: 'mlf_admin' })
    expect(again).toMatchObject({ status: 409, body: { code: 'wrong_state' } })
    const listed = (await api.call('GET', '/v1/data/collections')).body as { items: DataCollection[] }
    expect(listed.items.map(({ id }) => id)).toEqual([executed.id, planned.id, early.id])
    expect((await api.call('POST', '/v1/data/collections', { key: 'mlf_operator', body: {} })).status).toBe(
      403,
    )
  })

  it('does not execute a plan of the day before', async () => {
    const { id } = await collect('', {})
    await harness.database.dataSource.query(
      `UPDATE data_collections SET planned_at = planned_at - interval '25 hours' WHERE run_id = $1`,
      [id],
    )
    expect(await api.call('POST', `/v1/data/collections/${id}/execute`, { key: 'mlf_admin' })).toMatchObject({
      status: 409,
      body: { code: 'wrong_state', detail: expect.stringContaining('Make a new plan') },
    })
  })

  it('retires versions that a dataset does not keep, and writes anew what is left of their packs', async () => {
    const shared = randomBytes(1_000)
    const first = await treeOf({ 'old.bin': randomBytes(9_000), 'shared.bin': shared })
    const second = await treeOf({ 'new.bin': randomBytes(2_000), 'shared.bin': shared })
    const third = await treeOf({ 'newest.bin': randomBytes(2_000), 'shared.bin': shared })
    await push(harness, 'rolling', first)
    await push(harness, 'rolling', second, { base: 1 })
    await push(harness, 'rolling', third, { base: 2 })
    const rule = { keepLast: 1, keepDays: 0, keepTagged: true as const }
    const set = await api.call('PUT', '/v1/datasets/rolling/retention', {
      key: 'mlf_admin',
      body: { retention: rule },
    })
    expect(set).toMatchObject({ status: 200, body: { retention: rule } satisfies DatasetRetention })
    const bad = { retention: { keepLast: 0, keepDays: -1, keepTagged: false } }
    expect(
      await api.call('PUT', '/v1/datasets/rolling/retention', { key: 'mlf_admin', body: bad }),
    ).toMatchObject({ status: 400, body: { problems: [{}, {}, {}] } })
    await api.call('PUT', '/v1/datasets/rolling/tags/gold', { key: 'mlf_operator', body: { version: 2 } })

    expect(await collect('', { execute: true })).toMatchObject({ status: 'succeeded', plan: { versions: 1 } })
    expect(await files('rolling', 1)).toMatchObject({ status: 410, body: { code: 'version_retired' } })
    for (const version of [2, 3]) expect((await files('rolling', version)).status).toBe(200)
    expect(await isThere(first.packs[0]!.sha256)).toBe(false)
    const row = await api.call('GET', '/v1/datasets/rolling/versions/1')
    expect(row).toMatchObject({ status: 200, body: { version: 1, root: first.manifest } })
    // Nothing names it, and nothing can name it any more.
    const tag = await api.call('PUT', '/v1/datasets/rolling/tags/late', {
      key: 'mlf_operator',
      body: { version: 1 },
    })
    expect(tag).toMatchObject({ status: 410 })

    const again = await collect('', { execute: true })
    expect(again).toMatchObject({ plan: { versions: 0, packs: 0, repacks: 0 }, removed: { packs: 0 } })
    const { items } = (await files('rolling', 3)).body as { items: DataFile[] }
    expect(items.map(({ path }) => path)).toEqual(['newest.bin', 'shared.bin'])
  })

  it('is planned anew where it is retried after another one, which has forgotten what it knew', async () => {
    const shared = randomBytes(1_000)
    const first = await treeOf({ 'old.bin': randomBytes(9_000), 'shared.bin': shared })
    const second = await treeOf({ 'new.bin': randomBytes(2_000), 'shared.bin': shared })
    await push(harness, 'retried', first)
    await push(harness, 'retried', second, { base: 1 })
    const query = <T>(sql: string, values: unknown[] = []): Promise<T> =>
      harness.database.dataSource.query(sql, values)
    // As a client has it that asks first: what the first pack has is in no other one.
    await query(
      `DELETE FROM data_chunks c USING data_packs p WHERE p.id = c.pack_id AND p.sha256 = $1 AND c.sha256 = $2`,
      [Buffer.from(second.packs[0]!.sha256, 'hex'), Buffer.from(sha256Hex(shared), 'hex')],
    )
    const { id: datasetId } = await harness.ports.datasets.get(PROJECT, 'retried')
    await harness.ports.retention.set(datasetId, { keepLast: 1, keepDays: 0, keepTagged: true })
    await query(`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'away'; END $$`)
    await query(`CREATE TRIGGER away BEFORE INSERT ON data_packs FOR EACH ROW EXECUTE FUNCTION fail()`)
    const failed = await collect('', { execute: true })
    expect(failed.status).toBe('failed')
    await query('DROP TRIGGER away ON data_packs')
    expect(await collect('', {})).toMatchObject({ status: 'succeeded', executes: false })

    expect(await harness.ended(await harness.ports.runs.retry(PROJECT, failed.id))).toMatchObject({
      status: 'succeeded',
    })
    expect(await isThere(first.packs[0]!.sha256)).toBe(false)
    const [chunk] = await harness.ports.packs.read(PROJECT, [sha256Hex(shared)])
    expect(Buffer.from(chunk!.content)).toEqual(shared)
  })

  it('keeps what is named, and what was the newest while a run was under way', async () => {
    const { retention, transfers } = harness.ports
    const trees = await Promise.all(
      [1, 2, 3, 4, 5].map(i => treeOf({ 'a.bin': Buffer.from(`content ${i}`) })),
    )
    for (const [i, tree] of trees.entries()) await push(harness, 'used', tree, { base: i === 0 ? null : i })
    const { id: datasetId } = await harness.ports.datasets.get(PROJECT, 'used')
    await retention.set(datasetId, { keepLast: 1, keepDays: 0, keepTagged: true })
    const candidates = async () => {
      const found = new Set((await retention.candidates(PROJECT)).map(({ id }) => id))
      const all = await harness.ports.datasets.versions(PROJECT, 'used', {})
      return all.items.filter(({ id }) => found.has(id)).map(({ version }) => version)
    }
    expect(await candidates()).toEqual([4, 3, 2, 1])

    // One that nobody has started yet, and which may name anything.
    const dataset = { name: 'used', version: 2 }
    const training = await harness.accept('training', 'demand', { dataset }, { startedByCaller: true })
    const begun = (id: string, version: number) =>
      harness.database.dataSource.query(
        `UPDATE runs SET created_at = (SELECT created_at - interval '1 millisecond' FROM dataset_versions
           WHERE dataset_id = $2 AND version = $3) WHERE id = $1`,
        [id, datasetId, version],
      )
    // It was there before the fifth version was made: the fourth was the newest then.
    await begun(training.id, 5)
    expect(await candidates()).toEqual([3, 1])
    await begun(training.id, 3)
    expect(await candidates()).toEqual([1])
    await harness.database.dataSource.query(`UPDATE runs SET status = 'failed' WHERE id = $1`, [training.id])
    expect(await candidates()).toEqual([4, 3, 1])

    const request = { version: 3, manifest: trees[2]!.manifest, files: 1, bytes: 9 }
    const pull = await harness.accept('pull', 'used', request, {
      startedByCaller: true,
      alongside: (transaction, run) => transfers.open(transaction, run),
    })
    await harness.database.dataSource.query(`UPDATE runs SET status = 'failed' WHERE id = $1`, [pull.id])
    expect(await candidates()).toEqual([4, 1])
    await transfers.release(pull.id)
    expect(await candidates()).toEqual([4, 3, 1])
    await harness.database.dataSource.query(
      `WITH made AS (
         INSERT INTO models (id, project, name, created_at) VALUES (gen_random_uuid(), $1, 'demand', now())
         RETURNING id)
       INSERT INTO model_versions (id, model_id, version, engine, sha256, artifacts, signature, lineage, run_id,
         effect_key, created_at)
       SELECT gen_random_uuid(), id, 1, 'onnx', '', '{}', '{}', $2, $3, 'by hand', now() FROM made`,
      [PROJECT, { dataset: { name: 'used', version: 4 } }, training.id],
    )
    expect(await candidates()).toEqual([3, 1])
    await retention.set(datasetId, null)
    expect(await candidates()).toEqual([])
  })

  it('a version that a run is being taken on for is not retired, and one that is being retired is refused', async () => {
    const { retention, datasets } = harness.ports
    const { dataSource } = harness.database
    for (const i of [1, 2, 3]) {
      const tree = await treeOf({ 'a.bin': Buffer.from(`raced ${i}`) })
      await push(harness, 'raced', tree, { base: i === 1 ? null : i - 1 })
    }
    const { id: datasetId } = await datasets.get(PROJECT, 'raced')
    await retention.set(datasetId, { keepLast: 1, keepDays: 0, keepTagged: true })
    const collection = await harness.accept('collection', 'raced', {}, { startedByCaller: true })
    const candidates = (await retention.candidates(PROJECT)).filter(each => each.datasetId === datasetId)
    await retention.plan(
      collection.id,
      candidates.map(({ id }) => id),
    )
    const waiting = () =>
      eventually(async () => {
        const rows: unknown[] = await dataSource.query(
          `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        )
        expect(rows).toHaveLength(1)
      })
    const training = (version: number, alongside: () => Promise<void>) =>
      harness.accept(
        'training',
        'raced',
        { dataset: { name: 'raced', version } },
        { startedByCaller: true, alongside },
      )

    let retiring: Promise<number> | undefined
    await training(1, async () => {
      retiring = retention.retire(collection.id, datasetId)
      await waiting()
    })
    expect(await retiring).toBe(1)
    expect(await datasets.version(PROJECT, 'raced', 1)).toMatchObject({ retiredAt: null })
    expect(await datasets.version(PROJECT, 'raced', 2)).toMatchObject({ retiredAt: expect.any(Date) })

    let late: Promise<unknown> | undefined
    await dataSource.transaction(async transaction => {
      await transaction.query('SELECT id FROM datasets WHERE id = $1 FOR UPDATE', [datasetId])
      late = training(1, () => Promise.reject(new Error('it must not come here'))).catch(error => error)
      await waiting()
      await transaction.query(
        'UPDATE dataset_versions SET retired_at = now() WHERE dataset_id = $1 AND version = 1',
        [datasetId],
      )
    })
    expect(await late).toMatchObject({ code: 'version_retired' })
  })

  it('erases a version on demand, when nothing names it any more', async () => {
    await harness.ended(await harness.commit('people', CSV))
    await harness.ended(await harness.commit('people', `${CSV}2026-01-03,3\n`))
    await harness.tick('superviseData')
    const before = await harness.ports.datasets.version(PROJECT, 'people', 1)
    const purge = (version: number) =>
      api.call('POST', `/v1/datasets/people/versions/${version}/purge`, {
        key: 'mlf_admin',
        body: { reason: 'asked for by row 2' },
      })
    expect(await purge(2)).toMatchObject({
      status: 409,
      body: { code: 'wrong_state', detail: expect.stringContaining('branch "main"') },
    })
    const erased: Partial<PurgedVersion> = {
      dataset: 'people',
      version: 1,
      by: 'key:admin',
      reason: 'asked for by row 2',
    }
    expect(await purge(1)).toMatchObject({ status: 200, body: erased })
    expect(await files('people', 1)).toMatchObject({ status: 410, body: { code: 'version_retired' } })
    expect(await api.call('GET', '/v1/datasets/people/versions/1/rows')).toMatchObject({ status: 410 })

    await collect('', { execute: true })
    for (const { uri } of [before.raw!, before.parquet!])
      expect(await harness.ports.objects.size(uri)).toBeNull()
    const commit = `${PROJECT}/commits/${before.commit!.slice(0, 2)}/${before.commit}`
    expect(await harness.ports.objects.size(commit)).toBeNull()
    const located = await harness.ports.catalogue.locate(PROJECT, [before.manifest!])
    expect(located.size).toBe(0)
    expect((await api.call('GET', '/v1/datasets/people/versions/2/rows')).status).toBe(200)
  })
})
