import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sha256Hex } from '../../../stores/ids.js'
import { type DuckDb, text, withDuckDb } from '../../../stores/duckdb/duckdb.js'
import { mergePredictions } from '../../../stores/duckdb/predictions-merge.js'

const LOGGED = `id, version, role, revision, key, event_time, "at", output`
const row = (sequence: number, more = '') =>
  `SELECT ${sequence}::BIGINT AS sequence, 'r'::VARCHAR AS replica, 'id-${sequence}' AS id, 1::INTEGER AS version,
    'pinned' AS role, 3::INTEGER AS revision, 'k' AS key, TIMESTAMP '2012-01-01 00:00:00.123' - INTERVAL ${sequence} HOUR AS event_time,
    TIMESTAMP '2026-01-01' AS "at", ${sequence / 3}::DOUBLE AS output ${more}`

describe('mergePredictions', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'mlforge-merge-'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  const files = async (...contents: string[]) =>
    withDuckDb({}, async db => {
      const made = contents.map((_, at) => join(directory, `${at}.parquet`))
      for (const [at, content] of contents.entries())
        await db.run(`COPY (${content}) TO ${text(made[at]!)} (FORMAT parquet)`)
      return made
    })
  const out = () => join(directory, 'out.parquet')
  const ask = <T>(work: (db: DuckDb) => Promise<T>) => withDuckDb({}, work)

  it('keeps every row with every column, missing values and repeated rows too, by event time', async () => {
    const sources = await files(
      row(1, ', 0.1::DOUBLE AS feature_temp'),
      `${row(2, ", 'NaN'::DOUBLE AS feature_holiday")} UNION ALL ${row(2, ', NULL::DOUBLE AS feature_holiday')}`,
      row(3),
      row(3),
    )
    expect(await mergePredictions(sources, 'key', out())).toBe(5)
    await ask(async db => {
      const listed = `[${sources.map(text).join(', ')}]`
      const both = [`read_parquet(${listed}, union_by_name = true)`, `read_parquet(${text(out())})`]
      const columns = `sequence, replica, ${LOGGED}, feature_temp, feature_holiday`
      for (const [a, b] of [both, both.toReversed()])
        expect(await db.query(`SELECT ${columns} FROM ${a} EXCEPT ALL SELECT ${columns} FROM ${b}`)).toEqual(
          [],
        )
      const order = await db.query(`SELECT sequence FROM read_parquet(${text(out())})`)
      expect(order.map(({ sequence }) => sequence)).toEqual([3, 3, 2, 2, 1])
      const described = await db.query(`DESCRIBE SELECT * FROM read_parquet(${text(out())})`)
      expect(described.slice(-2).map(each => [each['column_name'], each['column_type']])).toEqual([
        ['feature_holiday', 'DOUBLE'],
        ['feature_temp', 'DOUBLE'],
      ])
    })
  })

  it('gives the same bytes for the same merge, and others for another', async () => {
    const sources = await files(row(1), row(2))
    const hashOf = async (key: string, of = sources) => {
      await mergePredictions(of, key, out())
      return sha256Hex(await readFile(out()))
    }
    const first = await hashOf('a')
    expect(await hashOf('a')).toBe(first)
    expect(await hashOf('b')).not.toBe(first)
  })
})
