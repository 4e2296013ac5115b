import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MockActivityEnvironment } from '@temporalio/testing'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { validationActivities } from '../../activities/validations.js'
import type { Validation } from '../../contracts/rest/suites.js'
import type { ContentRef } from '../../contracts/temporal/messages.js'
import { referencedObjects } from '../../domain/check/references.js'
import { badRowsOf } from '../../domain/datasets/bad-rows.js'
import { readRows as checkRows } from '../../infra/launcher/check-facts.js'
import { expectation, suite } from '../../sdk/index.js'
import { readRows } from '../../stores/duckdb/rows.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { OBJECT_KINDS } from '../../stores/objects/object-uri.js'
import { allObjects, bytesOf } from '../../stores/objects/whole.js'
import { EndStore } from '../../stores/postgres/end-store.js'
import { RetentionStore } from '../../stores/postgres/retention-store.js'
import type { TestApi } from '../api/support/api.js'
import { type CollectionBench, withEachStore } from '../support/collections.js'
import { eventually } from '../support/eventually.js'
import { type Harness, PROJECT } from '../support/harness.js'
import { tablesWith } from '../support/tables-with.js'
import { silentLogger } from '../support/silent-logger.js'

const namesAre = (...values: string[]) =>
  suite('names', [expectation('expect_column_values_to_be_in_set', { column: 'name', value_set: values })])
const people = (...names: string[]) => `name,age\n${names.map((name, i) => `${name},${30 + i}\n`).join('')}`
const warned = (...values: string[]) => [
  { kind: 'in_set', column: 'name', values, severity: 'warning' } as const,
]

withEachStore('a purge', start => {
  let bench: CollectionBench
  let harness: Harness
  let api: TestApi
  let directory: string
  beforeAll(async () => {
    bench = await start()
    ;({ harness, api } = bench)
    directory = await mkdtemp(join(tmpdir(), 'mlforge-purge-'))
  })
  afterAll(async () => {
    await bench?.stop()
    await rm(directory, { recursive: true, force: true })
  })

  const query = <T>(sql: string, values: unknown[] = []): Promise<T> =>
    harness.database.dataSource.query(sql, values)
  const objects = () => harness.ports.objects
  const isThere = async (uri: string) => (await objects().size(uri)) !== null
  const version = (name: string, number: number) => harness.ports.datasets.version(PROJECT, name, number)
  const get = (path: string) => api.call('GET', `/v1/datasets/${path}`)

  /** A version with the rows, and one after it, so that no branch names the first one. */
  const twice = async (name: string, rows: string, expectations = warned('Ann')) => {
    const first = await harness.ended(await harness.commit(name, rows, { expectations }))
    expect(first).toMatchObject({ status: 'succeeded', result: { version: 1 } })
    await harness.ended(await harness.commit(name, people('Ann')))
    await harness.tick('superviseData')
    return first
  }
  const check = async (name: string): Promise<Validation> => {
    const answer = await api.call('POST', `/v1/datasets/${name}/validations`, { body: { version: '1' } })
    expect(answer.status).toBe(202)
    const { id } = answer.body as Validation
    return eventually(async () => {
      const found = (await get(`${name}/validations/${id}`)).body as Validation
      expect(['succeeded', 'refused']).toContain(found.status)
      return found
    })
  }
  const putSuite = (name: string, given = namesAre('Ann')) =>
    api.call('PUT', `/v1/datasets/${name}/expectations`, { body: { suite: given } })
  /** Nobody can read it any more; its objects are there until the next tick. */
  const purge = async (name: string) => {
    const path = `/v1/datasets/${name}/versions/1/purge`
    const answer = await api.call('POST', path, { key: 'mlf_admin', body: { reason: 'asked for by Eve' } })
    expect(answer).toMatchObject({ status: 200 })
  }
  const namedBy = async (run: { id: string }) => {
    const steps = await harness.ports.ledger.steps(run.id)
    return steps.flatMap(({ outcome }) =>
      Object.values(outcome as Record<string, unknown>).flatMap(value => {
        const { uri } = (value ?? {}) as Partial<ContentRef>
        return uri === undefined ? [] : [uri]
      }),
    )
  }

  /** Objects with a text in them, as far as they can be read: packs by chunks, tables by rows. */
  const objectsWith = async (secret: string) => {
    const found: string[] = []
    for (const kind of OBJECT_KINDS) {
      for await (const { uri } of allObjects(objects(), PROJECT, kind)) {
        const bytes = await bytesOf(objects(), uri)
        const isTable = bytes.subarray(0, 4).toString() === 'PAR1'
        const text = isTable ? await textOfTable(uri) : bytes
        if (text.includes(secret)) found.push(uri)
      }
    }
    const chunks: { sha256: string }[] = await query(
      `SELECT encode(sha256, 'hex') AS sha256 FROM data_chunks`,
    )
    const hashes = chunks.map(({ sha256 }) => sha256)
    for (const { sha256, content } of await harness.ports.packs.read(PROJECT, hashes)) {
      if (Buffer.from(content).includes(secret)) found.push(`chunk ${sha256}`)
    }
    return found
  }
  const textOfTable = async (uri: string) => {
    const { rows } = await readRows(await objects().toFile(uri, directory), { limit: 1000 })
    return JSON.stringify(rows)
  }
  const assertWhole = async () => {
    for (const { uri } of referencedObjects(await checkRows(harness.database.dataSource))) {
      expect([uri, await isThere(uri)]).toEqual([uri, true])
    }
  }

  it('leaves nothing of the rows, in no object and no row', async () => {
    const secret = 'Mallory-4711'
    const rows = `${people('Ann', secret)}${secret},many\n`
    const asked = {
      badRows: badRowsOf({ maxBadRows: 5 }),
      columns: { age: { type: 'integer' as const } },
    }
    const refused = await harness.commit('people', rows, {
      ...asked,
      expectations: [{ kind: 'in_set', column: 'name', values: ['Ann'], severity: 'error' }],
    })
    expect(await harness.ended(refused)).toMatchObject({ status: 'refused' })
    const first = await harness.commit('people', rows, { ...asked, expectations: warned('Ann') })
    expect(await harness.ended(first)).toMatchObject({ status: 'succeeded', result: { version: 1 } })
    await harness.ended(await harness.commit('people', people('Ann'), { columns: asked.columns }))
    await harness.tick('superviseData')
    await putSuite('people')
    const checked = await check('people')
    expect(checked).toMatchObject({ status: 'refused', version: 1 })
    expect(JSON.stringify(checked.error)).toContain(secret)
    const results = `people/validations/${checked.id}/results`
    expect(JSON.stringify((await get(results)).body)).toContain(secret)
    expect((await get('people/versions/1/profile')).status).toBe(200)

    const before = await objectsWith(secret)
    const own = [...(await namedBy(first)), ...(await namedBy(refused)), ...(await namedBy(checked))]
    // Raw bytes, Parquet, quarantine, profile, and the reports of three checks.
    expect(before.filter(uri => own.includes(uri))).toHaveLength(7)
    expect(before.filter(uri => uri.startsWith('chunk'))).toHaveLength(1)
    expect(await tablesWith(harness.database.dataSource, secret)).toEqual(
      expect.arrayContaining(['dataset_versions', 'ledger_steps', 'runs']),
    )

    await purge('people')
    const gone = async (path: string) =>
      expect(await get(path)).toMatchObject({
        status: 410,
        body: { code: 'version_retired', purged: true, detail: expect.stringContaining('asked for by Eve') },
      })
    const paths = ['versions/1/rows', 'versions/1/profile', 'versions/1/profile.html']
    for (const path of [...paths, 'profile-diff?from=1&to=2', 'profile-diff?from=2&to=1']) {
      await gone(`people/${path}`)
    }
    await gone('people/profile-diff.html?from=1&to=2')
    await gone(results)
    const again = await api.call('POST', '/v1/datasets/people/validations', { body: { version: '1' } })
    expect(again).toMatchObject({ status: 410, body: { code: 'version_retired' } })

    await harness.tick('superviseData')
    for (const uri of own) expect([uri, await isThere(uri)]).toEqual([uri, false])
    expect(await tablesWith(harness.database.dataSource, secret)).toEqual([])
    await bench.collect('', { execute: true })
    expect(await objectsWith(secret)).toEqual([])
    await gone(results)

    // That there was a check, and how it ended, stays.
    const after = (await get(`people/validations/${checked.id}`)).body as Validation
    expect(after).toMatchObject({
      status: 'refused',
      found: { expectations: 1, failed: 1, warned: 0 },
      error: { code: 'expectations_failed', message: expect.stringContaining('was purged') },
    })
    expect((await get('people/versions/2/profile')).status).toBe(200)
    await assertWhole()
  })

  it('keeps what another version has as well, until that one is purged too', async () => {
    const rows = people('Ann', 'Mallory')
    const [one, other] = [await twice('one', rows), await twice('other', rows)]
    await putSuite('one')
    await putSuite('other')
    const [ofOne, ofOther] = [await check('one'), await check('other')]
    const shared = [...(await namedBy(one)), ...(await namedBy(ofOne))]
    // Raw bytes, Parquet, description, report, profile; and the report of the check.
    expect(shared).toHaveLength(6)
    expect(shared).toEqual([...(await namedBy(other)), ...(await namedBy(ofOther))])

    await purge('one')
    await harness.tick('superviseData')
    await bench.collect('', { execute: true })
    for (const uri of shared) expect([uri, await isThere(uri)]).toEqual([uri, true])
    expect(await get(`one/validations/${ofOne.id}/results`)).toMatchObject({ status: 410 })
    const { body } = await get(`other/validations/${ofOther.id}/results`)
    expect(body).toMatchObject({ results: [{ passed: false, failingRows: 1 }] })
    expect((await get('other/versions/1/profile')).status).toBe(200)
    expect(ofOther.error!.message).toContain('Mallory')
    const still = (await get(`other/validations/${ofOther.id}`)).body as Validation
    expect(still.error).toEqual(ofOther.error)
    await assertWhole()

    await purge('other')
    await harness.tick('superviseData')
    for (const uri of shared) expect([uri, await isThere(uri)]).toEqual([uri, false])
    await assertWhole()
  })

  it('that is killed is done again, from anywhere', async () => {
    const run = await twice('killed', people('Ann', 'Trudy'))
    await putSuite('killed')
    const checked = await check('killed')
    const own = [...(await namedBy(run)), ...(await namedBy(checked))]
    expect(own).toHaveLength(6)
    const { id, datasetId } = await version('killed', 1)
    const { dataSource } = harness.database
    await new RetentionStore(dataSource).purge(datasetId, 1, { by: 'key:admin', reason: 'asked for' })
    for (let survived = 0; survived < own.length; survived++) {
      let calls = 0
      const dying: Pick<ObjectStore, 'remove'> = {
        remove: async uri => {
          if (calls++ === survived) throw new Error('killed')
          await objects().remove(uri)
        },
      }
      await expect(new EndStore(dataSource).erase(PROJECT, id, dying, 'refs/none')).rejects.toThrow('killed')
      expect((await version('killed', 1)).purge).not.toHaveProperty('erased')
    }
    // Nor while a backup is written.
    const runner = dataSource.createQueryRunner()
    await runner.query(`SELECT pg_advisory_lock_shared(hashtextextended('keep objects', 0))`)
    await harness.tick('superviseData')
    expect(await version('killed', 1)).toMatchObject({ endRecorded: false })
    await runner.query(`SELECT pg_advisory_unlock_shared(hashtextextended('keep objects', 0))`)
    await runner.release()

    await harness.tick('superviseData')
    expect(await version('killed', 1)).toMatchObject({ endRecorded: true, profile: null, expectations: null })
    for (const uri of own) expect([uri, await isThere(uri)]).toEqual([uri, false])
    await assertWhole()
  })

  it('leaves nothing to a check by a worker that was thought dead', async () => {
    await twice('late', people('Ann', 'Oscar'))
    await putSuite('late')
    const { sha256 } = await harness.ports.suites.version(PROJECT, 'late', undefined)
    const request = { version: 1, suite: { version: 1, sha256 } }
    const { id: runId } = await harness.accept('validation', 'late', request, { startedByCaller: true })
    let report = ''
    const slow = Object.assign(Object.create(objects()) as ObjectStore, {
      write: async (...given: Parameters<ObjectStore['write']>) => {
        await query(`UPDATE runs SET status = 'cancelled', ended_at = now() WHERE id = $1`, [runId])
        await purge('late')
        await harness.tick('superviseData')
        const written = await objects().write(...given)
        report = written.uri
        return written
      },
    })
    const { validateVersion } = validationActivities({ ...harness.ports, objects: slow })
    const input = {
      project: PROJECT,
      name: 'late',
      runId,
      attempt: 1,
      generation: 1,
      limits: harness.ports.limits,
    }
    const late = new MockActivityEnvironment({}, { logger: silentLogger }).run(() => validateVersion(input))
    await expect(late).rejects.toMatchObject({ code: 'version_retired' })
    expect(await harness.ports.ledger.steps(runId)).toEqual([])
    expect(await isThere(report)).toBe(true)
    await bench.collect('', { execute: true })
    expect(await isThere(report)).toBe(false)
  })

  describe('reading rows', () => {
    const before = process.env['TMPDIR']
    let own: string
    beforeAll(async () => {
      own = await mkdtemp(join(tmpdir(), 'mlforge-read-'))
      process.env['TMPDIR'] = own
    })
    afterAll(async () => {
      if (before === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = before
      await rm(own, { recursive: true, force: true })
    })

    it('leaves no copy of them on the machine of the api', async () => {
      await harness.ended(await harness.commit('read', people('Ann', 'Peggy')))
      expect(await get('read/versions/1/rows')).toMatchObject({ status: 200, body: { total: 2 } })
      expect(tmpdir()).toBe(own)
      expect(await readdir(own)).toEqual([])
      await objects().remove((await version('read', 1)).parquet!.uri)
      expect(await get('read/versions/1/rows')).toMatchObject({ status: 500 })
      expect(await readdir(own)).toEqual([])
    })
  })
})
