import { createHash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { PackCatalogue } from '../../../stores/postgres/pack-catalogue.js'
import { PackHolds } from '../../../stores/postgres/pack-holds.js'
import { SweepStore } from '../../../stores/postgres/sweep-store.js'
import { VerifyStore } from '../../../stores/postgres/verify-store.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'

const PROJECT = 'default'
const PACKS = 400
const CHUNKS_OF_A_PACK = 50
const CHUNKS = PACKS * CHUNKS_OF_A_PACK

interface PlanNode {
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Join Filter'?: number
  readonly Plans?: readonly PlanNode[]
}

/** Rows that the steps of a plan have looked at. */
function rowsOf(node: PlanNode): number {
  const each =
    node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Join Filter'] ?? 0)
  return each * node['Actual Loops'] + (node.Plans ?? []).reduce((sum, below) => sum + rowsOf(below), 0)
}

const hashOf = (i: number): string => createHash('sha256').update(String(i)).digest('hex')

describe('a table of chunks that has grown since the server last looked how large it is', () => {
  const run = randomUUID()
  let database: TestDatabase
  beforeAll(async () => {
    database = await testDatabase()
    const { dataSource } = database
    for (const table of ['data_chunks', 'data_packs', 'data_marks']) {
      await dataSource.query(`ALTER TABLE ${table} SET (autovacuum_enabled = false)`)
    }
    await dataSource.query(
      `INSERT INTO data_packs (project, sha256, bytes, verified_at, used_at)
       SELECT $1, sha256(('pack ' || i)::bytea), 1, now(), now() - interval '1 hour' FROM generate_series(1, $2::int) i`,
      [PROJECT, PACKS],
    )
    await dataSource.query(
      `INSERT INTO data_chunks (project, sha256, pack_id, "offset", stored, bytes, codec)
       SELECT $1, sha256((i::text)::bytea), i / $2 + 1, 0, 1, 1, 0 FROM generate_series(0, $3::int - 1) i`,
      [PROJECT, CHUNKS_OF_A_PACK, CHUNKS],
    )
    await dataSource.query(
      `INSERT INTO data_marks (run_id, sha256, is_node, is_open)
       SELECT $1::uuid, sha256, false, false FROM data_chunks`,
      [run],
    )
  })
  afterAll(() => database?.drop())

  /** What the statements of some work look at, in rows. */
  async function looksAt<T>(work: () => Promise<T>): Promise<{ found: T; rows: number }> {
    const { dataSource } = database
    const spy = jest.spyOn(dataSource, 'query')
    const found = await work()
    const statements = spy.mock.calls.map(([sql, parameters]) => ({ sql, parameters }))
    spy.mockRestore()
    let rows = 0
    for (const { sql, parameters } of statements) {
      const [{ 'QUERY PLAN': plans }]: [{ 'QUERY PLAN': [{ Plan: PlanNode }] }] = await dataSource.query(
        `EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`,
        parameters as unknown[],
      )
      rows += rowsOf(plans[0].Plan)
    }
    return { found, rows }
  }

  const some = Array.from({ length: 200 }, (_, i) => i)
  const there = some.map(i => hashOf(i * (CHUNKS / some.length)))
  const missing = some.map(i => hashOf(CHUNKS + i))

  it('is asked for those that a push has, each by its hash', async () => {
    const catalogue = new PackCatalogue(database.dataSource)
    const asked = await looksAt(() => catalogue.missing(PROJECT, [...there, ...missing], randomUUID()))
    expect(asked.found).toEqual(missing)
    expect(asked.rows).toBeLessThan(CHUNKS)
  })

  it('is asked for those that a version needs', async () => {
    const holds = new PackHolds(database.dataSource)
    const asked = await looksAt(() => holds.hold(PROJECT, randomUUID(), [...there, ...missing]))
    expect(asked.found.missing).toEqual(missing)
    expect(asked.found.packs).toHaveLength(some.length)
    expect(asked.rows).toBeLessThan(CHUNKS)
  })

  it('is asked for what a collection needs of some packs', async () => {
    const sweep = new SweepStore(database.dataSource)
    const live = await looksAt(() => sweep.live(run, PROJECT, '0', 10))
    expect(live.found.map(({ liveBytes }) => liveBytes)).toEqual(Array(10).fill(CHUNKS_OF_A_PACK))
    expect(live.rows).toBeLessThan(CHUNKS)
    const only = await looksAt(() =>
      sweep.onlyThere(
        run,
        live.found.map(({ id }) => id),
      ),
    )
    expect(only.found).toHaveLength(10 * CHUNKS_OF_A_PACK)
    expect(only.rows).toBeLessThan(CHUNKS)
  })

  it('is asked for packs that a verification needs', async () => {
    const verify = new VerifyStore(database.dataSource)
    const packs = await looksAt(() => verify.packs(run, PROJECT, { after: '0', newest: null }, 10))
    expect(packs.found).toHaveLength(10)
    expect(packs.rows).toBeLessThan(CHUNKS)
  })
})
