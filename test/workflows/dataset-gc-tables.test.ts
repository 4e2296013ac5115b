import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { datasetIdentity } from '../../activities/pipelines/steps/dataset.js'
import type { DatasetCommit } from '../../contracts/rest/datasets.js'
import type { Upload } from '../../contracts/rest/uploads.js'
import type { IngestOutcome, ProfileOutcome } from '../../contracts/temporal/messages.js'
import { badRowsOf } from '../../domain/datasets/bad-rows.js'
import { referencedObjects } from '../../domain/check/references.js'
import { readRows } from '../../infra/launcher/check-facts.js'
import { assertTableObjects, TableObjects } from '../../stores/postgres/table-objects.js'
import type { DatasetVersion } from '../../stores/postgres/entities/dataset.js'
import type { TestApi } from '../api/support/api.js'
import { type CollectionBench, withEachStore } from '../support/collections.js'
import { eventually } from '../support/eventually.js'
import { type Harness, PROJECT } from '../support/harness.js'

const rows = (...counts: (number | string)[]) =>
  `day,demand\n${counts.map((count, i) => `2026-01-0${i + 1},${count}\n`).join('')}`
const quarantined = {
  badRows: badRowsOf({ maxBadRows: 5 }),
  columns: { demand: { type: 'integer' as const } },
}

withEachStore('tables in a collection', start => {
  let bench: CollectionBench
  let harness: Harness
  let api: TestApi
  beforeAll(async () => {
    bench = await start()
    ;({ harness, api } = bench)
  })
  afterAll(() => bench?.stop())

  const query = <T>(sql: string, values: unknown[] = []): Promise<T> =>
    harness.database.dataSource.query(sql, values)
  const objects = () => harness.ports.objects
  const isThere = async (uri: string) => (await objects().size(uri)) !== null
  const ofTable = ({ raw, parquet, quarantine }: DatasetVersion) =>
    [raw, parquet, quarantine].flatMap(content => (content === null ? [] : [content.uri]))
  const version = (name: string, number: number) => harness.ports.datasets.version(PROJECT, name, number)
  const upload = async (content: string) => {
    const answer = await api.call('POST', '/v1/uploads', {
      body: content,
      headers: { 'content-type': 'text/csv' },
    })
    expect(answer.status).toBe(201)
    return answer.body as Upload
  }
  const uriOf = async ({ id }: Upload) =>
    (await harness.database.dataSource.query('SELECT uri FROM uploads WHERE id = $1', [id]))[0].uri as string
  const collect = async (execute = true) => {
    // A version that is not in the object store yet is not retired.
    await harness.tick('superviseData')
    const collection = await bench.collect('', { execute })
    expect(collection.status).toBe('succeeded')
    return collection
  }
  const keepOne = (name: string) =>
    api.call('PUT', `/v1/datasets/${name}/retention`, {
      key: 'mlf_admin',
      body: { retention: { keepLast: 1, keepDays: 0, keepTagged: true } },
    })
  const aWeekAgo = async () => {
    await query(`UPDATE uploads SET created_at = created_at - interval '8 days'`)
    await query(`UPDATE runs SET ended_at = ended_at - interval '8 days' WHERE ended_at IS NOT NULL`)
  }
  /** Everything that a row names is there: what `mlforge check` asks. */
  const assertWhole = async () => {
    for (const { uri } of referencedObjects(await readRows(harness.database.dataSource))) {
      expect([uri, await isThere(uri)]).toEqual([uri, true])
    }
  }

  it('removes the tables of retired versions, and nothing that another one has', async () => {
    await harness.ended(await harness.commit('hours', rows(1, 'many'), quarantined))
    await harness.ended(await harness.commit('hours', rows(1, 2, 3), quarantined))
    await harness.ended(await harness.commit('hours', rows(1, 2, 3, 4), quarantined))
    // The same bytes, read in the same way, in a dataset that keeps them.
    await harness.ended(await harness.commit('same', rows(1, 2, 3), quarantined))
    const [first, second, third] = [
      await version('hours', 1),
      await version('hours', 2),
      await version('hours', 3),
    ]
    const same = await version('same', 1)
    expect(ofTable(first)).toHaveLength(3)
    expect(same.parquet!.uri).toBe(second.parquet!.uri)
    await keepOne('hours')

    // What says something of its rows goes with them; the report of no expectations is that of all three.
    const [ingested, , profiled] = await harness.ports.ledger.steps(first.runId)
    const { description } = ingested!.outcome as IngestOutcome
    const { profile } = profiled!.outcome as ProfileOutcome
    const alone = [first.raw!, first.parquet!, first.quarantine!, description, profile]
    const planned = await collect(false)
    const bytes = alone.reduce((sum, each) => sum + each.bytes, 0)
    expect(planned.plan).toMatchObject({ versions: 2, tableObjects: 5, tableBytes: bytes })
    for (const { uri } of alone) expect(await isThere(uri)).toBe(true)

    expect(await collect()).toMatchObject({ plan: { versions: 2, tableObjects: 5 } })
    for (const { uri } of alone) expect([uri, await isThere(uri)]).toEqual([uri, false])
    for (const uri of [...ofTable(second), ...ofTable(third)]) expect(await isThere(uri)).toBe(true)
    expect(await api.call('GET', '/v1/datasets/hours/versions/1/rows')).toMatchObject({ status: 410 })
    expect(await api.call('GET', '/v1/datasets/hours/versions/3/rows')).toMatchObject({ status: 200 })
    expect(await api.call('GET', '/v1/datasets/same/versions/1/rows')).toMatchObject({ status: 200 })
    await assertWhole()
    // Nor is the outcome of an equal step of a pipeline taken over, which names it.
    const identity = datasetIdentity(harness.ports)({ dataset: 'hours@1' }, PROJECT)
    await expect(identity).rejects.toMatchObject({ code: 'version_retired' })
    expect((await collect()).plan).toMatchObject({ versions: 0, tableObjects: 0, tableBytes: 0 })

    // What was removed may come again, and is looked after again.
    const again = await harness.ended(await harness.commit('hours', rows(1, 'many'), quarantined))
    expect(again).toMatchObject({ status: 'succeeded', result: { version: 4 } })
    expect(ofTable(await version('hours', 4))).toEqual(ofTable(first))
    await assertWhole()
    expect(referencedObjects(await readRows(harness.database.dataSource)).map(({ uri }) => uri)).toEqual(
      expect.arrayContaining(ofTable(first)),
    )
  })

  it('removes what became no version after a week, and keeps what may still become one', async () => {
    const unused = await upload(rows(100))
    const refused = await harness.commit('refused', rows(200), {
      expectations: [{ kind: 'row_count', min: 1_000 }],
    })
    expect(await harness.ended(refused)).toMatchObject({ status: 'refused' })
    const [outcome] = await harness.ports.ledger.steps(refused.id)
    const { parquet } = outcome!.outcome as { parquet: { uri: string } }
    const { uri: waiting } = await objects().write(PROJECT, Buffer.from(rows(300)), { kind: 'table-data' })
    const open = await harness.accept(
      'dataset',
      'waiting',
      { upload: { uri: waiting } },
      { startedByCaller: true },
    )
    const used = await upload(rows(400))
    const path = '/v1/datasets/used/versions'
    const accepted = (await api.call('POST', path, { body: { upload: used.id } })).body as DatasetCommit
    await eventually(async () =>
      expect((await api.call('GET', `/v1/datasets/used/commits/${accepted.id}`)).body).toMatchObject({
        status: 'succeeded',
      }),
    )
    const uris = { unused: await uriOf(unused), used: await uriOf(used), waiting, parquet: parquet.uri }
    await collect()
    for (const uri of Object.values(uris)) expect(await isThere(uri)).toBe(true)

    await aWeekAgo()
    await collect()
    const left = Object.entries(uris).map(async ([what, uri]) => [what, await isThere(uri)] as const)
    expect(Object.fromEntries(await Promise.all(left))).toEqual({
      unused: false,
      parquet: false,
      used: true,
      waiting: true,
    })
    expect(await api.call('GET', `/v1/uploads/${unused.id}`)).toMatchObject({ status: 404 })
    expect(await api.call('POST', path, { body: { upload: unused.id } })).toMatchObject({ status: 404 })
    expect((await api.call('GET', `/v1/uploads/${used.id}`)).status).toBe(200)
    await query(`UPDATE runs SET status = 'cancelled', ended_at = now() WHERE id = $1`, [open.id])
    await assertWhole()
  })

  it('makes no version of a commit that is retried when its upload is gone', async () => {
    // Its last step fails, as with an object store that is away for long.
    await query(`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'away'; END $$`)
    await query(
      `CREATE TRIGGER away BEFORE INSERT ON ledger_steps FOR EACH ROW WHEN (NEW.step = 'commit') EXECUTE FUNCTION fail()`,
    )
    const commit = () => harness.commit('late', rows(51, 'many'), quarantined)
    const run = await commit()
    expect(await harness.ended(run)).toMatchObject({ status: 'failed', stage: 'failed' })
    expect([...(await harness.steps(run)).keys()]).toEqual(['ingest', 'validate', 'profile'])
    await query('DROP TRIGGER away ON ledger_steps')
    await aWeekAgo()
    await collect()

    const again = await harness.ended(await harness.ports.runs.retry(PROJECT, run.id))
    expect(again).toMatchObject({
      status: 'failed',
      error: { code: 'not_found', message: expect.stringContaining('Commit the data again') },
      nextAttemptAt: null,
    })
    expect(await harness.ports.datasets.latest(PROJECT, 'late')).toBeNull()
    expect(await harness.ended(await commit())).toMatchObject({ status: 'succeeded', result: { version: 1 } })
    await harness.tick('superviseData')
    expect(await version('late', 1)).toMatchObject({ commit: expect.any(String) })
    await assertWhole()
  })

  it('erases what nothing else needs, and leaves what a run under way has read to that run', async () => {
    const purge = async (name: string) => {
      const { raw, parquet } = await version(name, 1)
      const path = `/v1/datasets/${name}/versions/1/purge`
      const answer = await api.call('POST', path, { key: 'mlf_admin', body: { reason: 'asked for' } })
      expect(answer).toMatchObject({ status: 200 })
      await harness.tick('superviseData')
      return [raw!.uri, parquet!.uri]
    }
    const twice = async (name: string, ...counts: number[]) => {
      await harness.ended(await harness.commit(name, rows(...counts)))
      await harness.ended(await harness.commit(name, rows(...counts, 1)))
      await harness.tick('superviseData')
    }
    // What was refused before keeps nothing.
    const expectations = [{ kind: 'row_count', min: 1_000 }]
    await harness.ended(await harness.commit('erased', rows(31, 32), { expectations }))
    await twice('erased', 31, 32)
    for (const uri of await purge('erased')) expect([uri, await isThere(uri)]).toEqual([uri, false])

    await twice('shared', 41, 42)
    const { raw, parquet } = await version('shared', 1)
    const request = { upload: raw, ingested: parquet }
    const open = await harness.accept('dataset', 'elsewhere', request, { startedByCaller: true })
    const uris = await purge('shared')
    for (const uri of uris) expect(await isThere(uri)).toBe(true)
    await query(`UPDATE runs SET status = 'cancelled', ended_at = now() WHERE id = $1`, [open.id])
    await aWeekAgo()
    await collect()
    for (const uri of uris) expect([uri, await isThere(uri)]).toEqual([uri, false])
    await assertWhole()
  })

  it('keeps a table that a model has, and the one that retrainings grow from', async () => {
    await harness.ended(await harness.commit('learned', rows(7, 8)))
    await harness.ended(await harness.commit('learned', rows(7, 8, 9)))
    const { parquet } = await version('learned', 1)
    await query(
      `WITH made AS (
         INSERT INTO models (id, project, name, created_at) VALUES (gen_random_uuid(), $1, 'given', now()) RETURNING id)
       INSERT INTO model_versions (id, model_id, version, engine, sha256, artifacts, signature, lineage, run_id,
         effect_key, created_at)
       SELECT gen_random_uuid(), id, 1, 'onnx', '', $2, '{}', '{}', gen_random_uuid(), 'by hand', now() FROM made`,
      [PROJECT, { 'samples.parquet': parquet }],
    )
    await keepOne('learned')
    expect((await collect()).plan).toMatchObject({ versions: 1 })
    expect(await isThere(parquet!.uri)).toBe(true)
    expect(await isThere((await version('learned', 1)).raw!.uri)).toBe(false)

    // As if the second one had been joined from predictions: the next one grows from the first one again.
    await harness.ended(await harness.commit('grown', rows(5, 6)))
    await harness.ended(await harness.commit('grown', rows(5, 6, 7)))
    await query(
      `UPDATE dataset_versions v SET conversion = conversion || '{"joined": {}}' FROM datasets d
       WHERE d.id = v.dataset_id AND d.name = 'grown' AND v.version = 2`,
    )
    await keepOne('grown')
    expect((await collect()).plan).toMatchObject({ versions: 0 })
    // Nor do they grow from what was made on another branch.
    await harness.ended(await harness.commit('grown', rows(1, 2, 3), { branch: 'trial' }))
    expect(await harness.ports.datasets.latestGiven(PROJECT, 'grown')).toMatchObject({
      version: 1,
      retiredAt: null,
    })
  })

  it('whoever names an object while it is removed finds it there, or is told that it is gone', async () => {
    const { dataSource } = harness.database
    const tables = new TableObjects(dataSource)
    const write = async (text: string) =>
      (await objects().write(PROJECT, Buffer.from(text), { kind: 'table-data' })).uri
    const lockWaits = () =>
      eventually(async () => {
        const waiting: unknown[] = await query(
          `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        )
        expect(waiting).toHaveLength(1)
      })
    const named = (uri: string) =>
      `INSERT INTO uploads (id, project, uri, sha256, bytes, principal, created_at)
       VALUES (gen_random_uuid(), '${PROJECT}', '${uri}', '', 1, 'key:x', now())`

    const kept = await write('named in time')
    let removing: Promise<string[] | null> | undefined
    await dataSource.transaction(async transaction => {
      await assertTableObjects(transaction, [kept], objects())
      removing = tables.remove({ project: PROJECT, uris: [kept] }, objects())
      await lockWaits()
      await transaction.query(named(kept))
    })
    expect(await removing).toEqual([])
    expect(await isThere(kept)).toBe(true)

    const gone = await write('named too late')
    let late: Promise<unknown> | undefined
    const removed = await tables.remove(
      { project: PROJECT, uris: [gone] },
      {
        remove: async uri => {
          late = dataSource
            .transaction(transaction => assertTableObjects(transaction, [gone], objects()))
            .catch(error => error)
          await lockWaits()
          await objects().remove(uri)
        },
      },
    )
    expect(removed).toEqual([gone])
    expect(await late).toMatchObject({ code: 'unavailable', details: { uri: gone } })

    // Killed after the first object: the rows are as before, and it is done again.
    const two = [await write('one of two'), await write('other of two')].sort()
    let calls = 0
    const dying = {
      remove: async (uri: string) => {
        if (++calls === 2) throw new Error('killed')
        await objects().remove(uri)
      },
    }
    await expect(tables.remove({ project: PROJECT, uris: two }, dying)).rejects.toThrow('killed')
    expect(await query('SELECT uri FROM removed_objects WHERE uri = ANY($1)', [two])).toEqual([])
    expect(await tables.remove({ project: PROJECT, uris: two }, objects())).toEqual(two)
    for (const uri of two) expect(await isThere(uri)).toBe(false)

    // Others are no business of this.
    const other = (await objects().write(PROJECT, Buffer.from('of a pipeline'))).uri
    expect(await tables.remove({ project: PROJECT, uris: [other] }, objects())).toEqual([])
    expect(await isThere(other)).toBe(true)
  })
})
