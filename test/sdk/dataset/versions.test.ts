import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { tableToIPC } from 'apache-arrow'
import type { Page } from '../../../contracts/rest/common.js'
import type { DatasetCommit, DatasetVersion, Rows } from '../../../contracts/rest/datasets.js'
import type { TransformationStep } from '../../../contracts/rest/transformations.js'
import { DataClient } from '../../../sdk/data/data-client.js'
import { Suites } from '../../../sdk/data/suites.js'
import { WorkingCopy } from '../../../sdk/data/working-copy.js'
import { Dataset, Refused, Rest, type SavedVersion } from '../../../sdk/index.js'
import { TestApi } from '../../api/support/api.js'
import { Harness } from '../../support/harness.js'
import { refused } from './refused.js'

const BIKES = fileURLToPath(
  new URL('../../../../examples/bike-sharing/bike-sharing-hour.csv', import.meta.url),
)
const DAY = { dteday: { type: 'date', format: '%m/%d/%Y' } } as const

describe('versions as datasets', () => {
  let harness: Harness
  let api: TestApi
  let rest: Rest
  let directory: string
  let cacheDirectory: string
  let bikes: Dataset
  const open: Dataset[] = []
  beforeAll(async () => {
    harness = await Harness.start()
    api = await TestApi.beside(harness)
    rest = new Rest(api.url, 'mlf_operator')
    directory = await mkdtemp(join(tmpdir(), 'mlforge-versions-'))
    cacheDirectory = join(directory, 'cache')
    bikes = await Dataset.fromCsv(BIKES, { columns: DAY })
  })
  afterAll(async () => {
    await Promise.all([...open, bikes].map(each => each?.close()))
    await api?.stop()
    await harness?.stop()
    await rm(directory, { recursive: true, force: true })
  })

  const load = async (reference: string): Promise<Dataset> => {
    const dataset = await Dataset.load(rest, reference, { cacheDirectory })
    open.push(dataset)
    return dataset
  }
  const versionsOf = async (name: string) =>
    (await rest.get<Page<DatasetVersion>>(`/v1/datasets/${name}/versions`)).items
  const cached = async () => (await readdir(cacheDirectory).catch(() => [])).toSorted()

  it('saves a table, and loads equal rows and types of it', async () => {
    const saved = (await bikes.save(rest, 'bikes', { message: 'all hours' })) as SavedVersion
    expect(saved).toMatchObject({ status: 'succeeded', name: 'bikes', version: 1, created: true })
    const loaded = await load('bikes')
    expect([loaded.name, loaded.version, loaded.root, loaded.rows]).toEqual(['bikes', 1, saved.root, 17_379])
    expect(await rest.get('/v1/datasets/bikes/versions/1')).toMatchObject({
      message: 'all hours',
      root: saved.root,
    })
    expect(await cached()).toEqual([])
    expect(loaded.schema.map(({ name, type }) => [name, type])).toEqual(
      bikes.schema.map(({ name, type }) => [name, type]),
    )
    const rows = await loaded.toRows()
    expect(rows).toEqual(await bikes.toRows())
    expect(await cached()).toHaveLength(1)

    expect(await bikes.save(rest, 'bikes')).toMatchObject({ version: 1, created: false, root: saved.root })
    expect(await versionsOf('bikes')).toHaveLength(1)
  })

  it('gives rows, columns and Arrow as REST gives rows', async () => {
    const { columns, rows } = await rest.get<Rows>(
      '/v1/datasets/bikes/versions/1/rows?offset=8000&limit=1000',
    )
    const loaded = await load('bikes@1')
    const where = 'instant > 8000 AND instant <= 9000'
    expect((await loaded.toRows({ where })).map(row => columns.map(column => row[column]))).toEqual(rows)
    const values = await loaded.toColumns({ where })
    expect(Object.keys(values)).toEqual(columns)
    expect(rows.map((_, i) => columns.map(column => values[column]![i]))).toEqual(rows)
    const arrow = await loaded.toArrow({ where })
    const ofArrow = (value: unknown, type: string) =>
      type === 'date'
        ? new Date(value as number).toISOString().slice(0, 10)
        : typeof value === 'bigint'
          ? Number(value)
          : value
    const table = loaded.schema.map(({ name, type }) =>
      [...arrow.getChild(name)!].map(value => ofArrow(value, type)),
    )
    expect(rows.map((_, i) => table.map(column => column[i]))).toEqual(rows)
    const batches = []
    for await (const batch of loaded.batches({ where, size: 300 })) batches.push(batch)
    expect(batches.map(({ offset, rows: count }) => [offset, count])).toEqual([
      [0, 300],
      [300, 300],
      [600, 300],
      [900, 100],
    ])
    expect(batches.flatMap(batch => batch.toRows()).map(row => columns.map(column => row[column]))).toEqual(
      rows,
    )
  })

  it('is fitted and transformed by the server, and loaded as it is then', async () => {
    const loaded = await load('bikes@1')
    const steps: TransformationStep[] = [
      { kind: 'scale', columns: ['temp'], method: 'min_max' },
      { kind: 'select', columns: ['instant', 'temp'] },
    ]
    const fitted = await loaded.fit('unit', steps, { where: 'hr < 12' })
    expect(fitted).toEqual({ name: 'unit', version: 1, reference: 'unit@1', created: true })
    expect(await loaded.fit('unit', steps, { where: 'hr < 12' })).toMatchObject({
      version: 1,
      created: false,
    })
    const made = await loaded.transform('unit@1', { into: 'bikes-unit', cacheDirectory })
    expect([made.name, made.version, made.rows]).toEqual(['bikes-unit', 1, 17_379])
    const { temp } = await loaded.toColumns({ columns: ['temp'], where: 'hr < 12' })
    const [least, most] = [Math.min(...(temp as number[])), Math.max(...(temp as number[]))]
    const [before] = await loaded.toRows({ columns: ['temp'], limit: 1 })
    const [after] = await made.toRows({ columns: ['temp'], limit: 1 })
    expect(after!['temp']).toBeCloseTo(((before!['temp'] as number) - least) / (most - least), 12)
    const encode: TransformationStep[] = [
      { kind: 'target', columns: ['hr'], target: 'cnt' },
      { kind: 'select', columns: ['hr'] },
    ]
    expect(await loaded.fit('dealt', encode, { folds: 3, seed: 1 })).toMatchObject({ reference: 'dealt@1' })
    const means = async (outOfFold: boolean) => {
      const into = outOfFold ? 'bikes-dealt' : 'bikes-whole'
      const encoded = await loaded.transform('dealt@1', { into, outOfFold, cacheDirectory })
      open.push(encoded)
      return new Set((await encoded.toColumns())['hr']).size
    }
    expect([await means(true), await means(false)]).toEqual([3 * 24, 24])
    const undealt = loaded.transform('unit@1', { into: 'x', outOfFold: true })
    await expect(undealt).rejects.toThrow(/transformation_mismatch.* without folds/)
    await refused(loaded.transform('a@b', { into: 'x' }), 'invalid_request', /names no transformation/)
    await refused(bikes.fit('unit', steps), 'wrong_state', /Only versions can be learned from/)
    const wrong = loaded.fit('other', [{ kind: 'log', columns: ['temp'], offset: -1 }])
    await refused(wrong, 'transformation_invalid', /temp/)
    await made.close()
  })

  it('loads by number, latest, branch, tag and instant', async () => {
    const { train, test } = await bikes.split({ column: 'dteday', until: '2012-01-01' })
    expect(await train.save(rest, 'parts', { idempotencyKey: 'parts-1' })).toMatchObject({ version: 1 })
    const between = new Date().toISOString()
    expect(await test.save(rest, 'parts')).toMatchObject({ version: 2, created: true })
    await rest.put('/v1/datasets/parts/tags/year-one', { version: 1 })
    const found = async (reference: string) => (await load(reference)).version
    for (const [reference, version] of [
      ['parts', 2],
      ['parts@latest', 2],
      ['parts@1', 1],
      ['parts@2', 2],
      ['parts@main', 2],
      ['parts@year-one', 1],
      [`parts@{${between}}`, 1],
    ] as const) {
      expect([reference, await found(reference)]).toEqual([reference, version])
    }
    const onTag = await test.save(rest, 'parts', { branch: 'year-one' }).catch((thrown: unknown) => thrown)
    expect((onTag as Refused).problem).toMatchObject({
      code: 'invalid_request',
      detail: expect.stringContaining('is a tag'),
    })
    expect(await (await load('parts@year-one')).toColumns()).toEqual(await train.toColumns())
    await refused(load('parts@1@2'), 'invalid_request', /names no version/)
    for (const [reference, code] of [
      ['none', 'not_found'],
      ['parts@7', 'not_found'],
      ['parts@nobody', 'not_found'],
    ] as const) {
      const error = await load(reference).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(Refused)
      expect((error as Refused).problem).toMatchObject({ code })
    }
    // Back to what was before is a version of its own; the same key is the version that it was.
    expect(await train.save(rest, 'parts', { idempotencyKey: 'parts-1' })).toMatchObject({ version: 1 })
    expect(await train.save(rest, 'parts')).toMatchObject({ version: 3, created: true })
  })

  it('saves to a branch, which begins at the main one', async () => {
    const { train, test } = await bikes.split({ test: 0.5, seed: 5 })
    expect(await train.save(rest, 'branched')).toMatchObject({ version: 1 })
    expect(await test.save(rest, 'branched', { branch: 'next' })).toMatchObject({ version: 2, created: true })
    expect(await test.save(rest, 'branched', { branch: 'next' })).toMatchObject({
      version: 2,
      created: false,
    })
    expect(await train.save(rest, 'branched')).toMatchObject({ version: 1, created: false })
    expect(await train.save(rest, 'branched', { branch: 'next' })).toMatchObject({
      version: 3,
      created: true,
    })
    const of = (version: DatasetVersion) => [version.version, version.branch, version.parentVersions]
    expect((await versionsOf('branched')).map(of)).toEqual([
      [3, 'next', [2]],
      [2, 'next', [1]],
      [1, 'main', []],
    ])
    expect([(await load('branched@next')).version, (await load('branched@main')).version]).toEqual([3, 1])
    const other = await Dataset.fromRows([{ a: 1 }])
    open.push(other)
    expect(await other.save(rest, 'branched', { branch: 'third' })).toMatchObject({
      status: 'refused',
      error: { code: 'schema_changed' },
    })
    const wrong = await other.save(rest, 'branched', { branch: '7' }).catch((thrown: unknown) => thrown)
    expect((wrong as Refused).problem).toMatchObject({
      code: 'invalid_request',
      problems: [{ at: 'branch' }],
    })
  })

  it('says what a suite refuses, and validates by one', async () => {
    const suites = new Suites(rest, 'bikes')
    const between = (max_value: number) => ({
      expectations: [
        { type: 'expect_column_values_to_be_between' as const, column: 'cnt', min_value: 1, max_value },
      ],
    })
    const loose = await suites.put(between(1000))
    const strict = await suites.put(between(900))
    const loaded = await load('bikes@1')
    const passed = await loaded.validate(loose.version)
    expect(passed).toMatchObject({ passed: true, validation: { status: 'succeeded', version: 1 } })
    const failed = await loaded.validate()
    expect(failed).toMatchObject({
      passed: false,
      plan: { scans: 1, statements: [{ kind: 'scan', expectations: [0] }, { kind: 'samples' }] },
      results: [{ passed: false, failingRows: 18 }],
      validation: { status: 'refused', suite: { version: strict.version } },
    })
    const { test } = await loaded.split({ column: 'dteday', until: '2012-01-01' })
    expect(await test.save(rest, 'bikes')).toMatchObject({
      status: 'refused',
      name: 'bikes',
      error: { code: 'expectations_failed' },
    })
    // The same call goes on once the suite is another one.
    await suites.put(between(1000), { expected: strict.version })
    expect(await test.save(rest, 'bikes')).toMatchObject({ status: 'succeeded', version: 2 })
    const few = await Dataset.fromRows([{ instant: 'x' }])
    open.push(few)
    expect(await few.save(rest, 'bikes', { expectations: [] })).toMatchObject({
      status: 'refused',
      error: { code: 'schema_changed' },
    })
    const none = await Dataset.fromRows([], { columns: { a: 'integer' } })
    open.push(none)
    await refused(none.save(rest, 'bikes'), 'no_rows', /no rows/)
  })

  it('saves parts to the dataset that they are of, though it was made of text in another format', async () => {
    const [header, ...lines] = (await readFile(BIKES, 'utf8')).trimEnd().split('\n')
    const { id: upload } = await rest.upload<{ id: string }>(
      '/v1/uploads',
      [header, ...lines.slice(0, 500).map(line => line.replace(/,0\.24,/, ',,'))].join('\n'),
    )
    const asked = { upload, columns: DAY }
    const { links } = await rest.post<DatasetCommit>('/v1/datasets/text/versions', asked)
    expect(await rest.follow(links.self)).toMatchObject({ status: 'succeeded', version: 1 })
    const first = await load('text')
    expect(first.schema.find(({ name }) => name === 'dteday')).toMatchObject(DAY.dteday)
    const { train } = await first.split({ test: 0.2, seed: 1 })
    expect(await train.save(rest, 'text')).toMatchObject({ status: 'succeeded', version: 2 })
    const second = await load('text@2')
    expect(await second.toRows()).toEqual(await train.toRows())
    expect((await second.toRows({ where: 'temp IS NULL' })).length).toBeGreaterThan(0)
    expect(second.schema).toEqual(first.schema)
  })

  it('keeps every type, and every value that REST can give', async () => {
    const table = await Dataset.fromRows(
      [
        {
          n: 2n ** 62n,
          x: 0.1,
          s: '2012-01-02',
          ok: true,
          day: '1969-12-31',
          at: '2012-02-29 23:59:59.123456',
        },
        {
          n: -(2n ** 53n),
          x: Number.NaN,
          s: ' ä"\n,',
          ok: false,
          day: '2012-02-29',
          at: new Date(0).toISOString(),
        },
        { n: 7, x: -Infinity, s: '', ok: null, day: null, at: null },
        { n: null, x: null, s: null, ok: true, day: '9999-12-31', at: '0001-01-01 00:00:00' },
      ],
      { columns: { day: 'date', at: 'timestamp' } },
    )
    open.push(table)
    expect(await table.save(rest, 'types')).toMatchObject({ status: 'succeeded' })
    const loaded = await load('types')
    const { columns, rows } = await rest.get<Rows>('/v1/datasets/types/versions/1/rows')
    const mine = await loaded.toRows()
    expect(mine.map(row => columns.map(column => row[column]))).toEqual(rows)
    expect(mine).toEqual(await table.toRows())
    expect(loaded.schema).toEqual(table.schema)
    const of = async (each: Dataset) => tableToIPC(await each.toArrow())
    expect(await of(loaded)).toEqual(await of(table))
  })

  it('gives the profile of a version', async () => {
    const profile = await (await load('bikes@1')).profile()
    expect(profile).toMatchObject({ dataset: 'bikes', version: 1, rows: 17_379 })
    expect(profile.columns.find(({ name }) => name === 'cnt')).toMatchObject({ min: 1, max: 977 })
  })

  it('fetches a table once for all that load it at once, and heals what is corrupt', async () => {
    await rm(cacheDirectory, { recursive: true, force: true })
    const [one, other] = await Promise.all([load('bikes@1'), load('bikes@1')])
    const sums = await Promise.all([one, other].map(each => each.toColumns({ columns: ['cnt'] })))
    expect(sums[0]).toEqual(sums[1])
    const [file, ...more] = await cached()
    expect(more).toEqual([])
    const [path, artifact] = [
      join(cacheDirectory, file!),
      (await rest.get<DatasetVersion>('/v1/datasets/bikes/versions/1')).artifacts.find(
        ({ name }) => name === 'data.parquet',
      )!,
    ]
    expect(file).toBe(artifact.sha256)
    const { size, ino } = await stat(path)
    expect(size).toBe(artifact.bytes)
    expect((await stat(path)).mode & 0o77).toBe(0)
    expect(await (await load('bikes@1')).toColumns({ columns: ['cnt'] })).toEqual(sums[0])
    expect((await stat(path)).ino).toBe(ino)
    for (const corrupt of [() => truncate(path, 1000), () => writeFile(path, Buffer.alloc(size))]) {
      await corrupt()
      expect(await (await load('bikes@1')).toColumns({ columns: ['cnt'] })).toEqual(sums[0])
      expect((await stat(path)).size).toBe(size)
    }
    expect(await cached()).toEqual([file])
  })

  it('says that a version has no table, is purged, or cannot be fetched', async () => {
    const copy = WorkingCopy.init(join(directory, 'files'), 'files')
    await writeFile(join(copy.root, 'a.txt'), 'a')
    await copy.add('all')
    await copy.commit({ author: 'somebody', at: new Date(), message: 'files' })
    await new DataClient(rest).push(copy)
    await copy.close()
    await refused(load('files@1'), 'no_table', /has files and no table/)

    await bikes.save(rest, 'erased')
    const before = await Dataset.load(rest, 'erased@1', { cacheDirectory: join(directory, 'other') })
    open.push(before)
    const next = await bikes.split({ test: 0.1, seed: 1 })
    await next.test.save(rest, 'erased')
    const admin = new Rest(api.url, 'mlf_admin')
    await admin.post('/v1/datasets/erased/versions/1/purge', { reason: 'asked to' })
    await refused(load('erased@1'), 'version_retired', /purged at .*: asked to/)
    const late = await before.toRows().catch((thrown: unknown) => thrown)
    expect((late as Refused).problem).toMatchObject({ code: 'version_retired' })

    await writeFile(join(directory, 'no-directory'), '')
    const nowhere = await Dataset.load(rest, 'bikes@1', { cacheDirectory: join(directory, 'no-directory') })
    open.push(nowhere)
    await refused(nowhere.toRows(), 'forbidden', /no-directory/)
  })
})
