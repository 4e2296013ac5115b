import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { MlforgeError } from '../../../domain/errors.js'
import { withDuckDb } from '../../../stores/duckdb/duckdb.js'
import { type QueryResult, queryTables } from '../../../stores/duckdb/query.js'
import { readRows } from '../../../stores/duckdb/rows.js'
import { temporaryDirectory } from './tables.js'

describe('a query over tables', () => {
  let directory: string
  let tables: Record<string, string>
  beforeAll(async () => {
    directory = await temporaryDirectory()
    tables = { hours: join(directory, 'hours.parquet'), Days: join(directory, 'days.parquet') }
    await withDuckDb({}, async db => {
      await db.run(`COPY (SELECT i, i // 24 AS day, (i * 7919 % 1000)::DOUBLE / 3 AS cnt FROM range(300000) t(i))
        TO '${tables['hours']}' (FORMAT parquet)`)
      await db.run(`COPY (SELECT day, day % 7 AS weekday FROM range(12500) t(day))
        TO '${tables['Days']}' (FORMAT parquet)`)
    })
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  async function query(sql: string, options = {}): Promise<QueryResult & { file: string }> {
    const outFile = join(await mkdtemp(join(directory, 'out-')), 'result.parquet')
    const result = await queryTables({ sql, tables, outFile }, { temporaryDirectory: directory, ...options })
    return { ...result, file: outFile }
  }

  async function refused(sql: string, options = {}): Promise<MlforgeError> {
    const error = await query(sql, options).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(MlforgeError)
    expect(error).toMatchObject({ code: 'query_invalid', retryable: false, http: 422 })
    return error as MlforgeError
  }

  it('joins tables by the names they are given, and tells its first row as JSON', async () => {
    const sql = `-- by weekday
      SELECT weekday, count(*) AS n, sum(i) AS total, max(1.5) AS decimal, {'a': [1]} AS nested,
        TIMESTAMP '2011-01-01 02:00:00' AS at, NULL AS nothing
      FROM hours JOIN days USING (day) GROUP BY weekday ORDER BY weekday; -- done`
    const { rows, first, file } = await query(sql)
    expect(rows).toBe(7)
    expect(first).toMatchObject({
      weekday: 0,
      decimal: 1.5,
      nested: { a: [1] },
      at: '2011-01-01T02:00:00',
      nothing: null,
    })
    expect(first!['n']).toBe(1786 * 24)
    const page = await readRows(file, { limit: 10 })
    expect(page.rows.map(row => row['weekday'])).toEqual([0, 1, 2, 3, 4, 5, 6])
  })

  it('has no first row where there are none, and takes no table at all', async () => {
    expect(await query('FROM hours WHERE i < 0')).toMatchObject({ rows: 0, first: null })
    expect(await query('VALUES (1), (2)')).toMatchObject({ rows: 2, first: { col0: 1 } })
  })

  it.each([
    ['sums and groups without an order', 'SELECT day, sum(cnt) AS s, avg(cnt) FROM hours GROUP BY day'],
    ['chance', 'SELECT i, random() AS r FROM hours USING SAMPLE 10%'],
    ['the order of the table', 'SELECT * FROM hours WHERE cnt > 100'],
  ])('gives equal bytes for equal tables: %s', async (_, sql) => {
    const [one, two] = [await query(sql), await query(sql)]
    expect(one.rows).toBeGreaterThan(0)
    expect((await readFile(one.file)).equals(await readFile(two.file))).toBe(true)
  })

  it.each([
    `SELECT * FROM read_csv('/etc/passwd')`,
    `SELECT * FROM '/etc/passwd'`,
    `SELECT * FROM read_text('/proc/self/environ')`,
    `SELECT * FROM glob('/etc/*')`,
    `SELECT * FROM read_parquet('https://example.org/x.parquet')`,
    `SELECT * FROM query('COPY hours TO ''/tmp/x.csv''')`,
    `SELECT getenv('HOME')`,
    `COPY hours TO '/tmp/mlforge-query-evil.csv'`,
    `COPY (SELECT 1) TO '/tmp/mlforge-query-evil.csv'`,
    `ATTACH '/tmp/mlforge-query-evil.db'`,
    `INSTALL httpfs`,
    `LOAD httpfs`,
    `PRAGMA version`,
    `CALL pragma_version()`,
    `SET threads = 4`,
    `SET enable_external_access = true`,
    `CREATE TABLE x AS SELECT 1`,
    `INSERT INTO hours VALUES (1, 2, 3)`,
    `DROP VIEW hours`,
    `DESCRIBE hours`,
    `EXPLAIN SELECT 1`,
    `SELECT 1) TO '/tmp/mlforge-query-evil.csv' (FORMAT csv); --`,
    `SELECT 1; SELECT 2`,
    `SELECT ?`,
    ``,
    `-- nothing`,
    `SELECT '\0'`,
  ])('refuses %j', async sql => {
    await refused(sql)
    expect((await readdir('/tmp')).filter(entry => entry.startsWith('mlforge-query-evil'))).toEqual([])
  })

  it('says where the SQL is wrong', async () => {
    const unknown = await refused('SELECT *\nFROM hours\nWHERE nosuch = 1')
    expect(unknown.message).toMatch(/line 3: WHERE nosuch = 1\): .*"nosuch" not found.*Correct the SQL/)
    expect(unknown.details.problems).toEqual([
      { at: 'line 3', message: expect.stringContaining('"nosuch" not found') },
    ])
    const broken = await refused(`SELECT 'ä',\n  i FROM hours GROUP day`)
    expect(broken.details.problems![0]!.at).toBe('line 2, column 22')
    const value = await refused(`SELECT (CASE WHEN i > 5 THEN 'x' ELSE '1' END)::INT AS v FROM hours`)
    expect(value.message).toContain(`Could not convert string 'x' to INT32`)
  })

  it('refuses names of tables that SQL could not tell apart', async () => {
    const outFile = join(directory, 'never.parquet')
    const names = { hours: '/x', HOURS: '/x', 'a b': '/x', 'x" AS SELECT 1; --': '/x' }
    await expect(queryTables({ sql: 'SELECT 1', tables: names, outFile })).rejects.toMatchObject({
      code: 'query_invalid',
      details: {
        problems: [
          { at: 'tables.HOURS', message: '"HOURS" and "hours" are one name in SQL.' },
          { at: 'tables.a b' },
          { at: 'tables.x" AS SELECT 1; --' },
        ],
      },
    })
    expect(existsSync(outFile)).toBe(false)
  })

  it('spills into its directory what does not fit into memory, and says what cannot be spilled', async () => {
    const sql = 'SELECT md5(i::VARCHAR) AS m, md5((i + 1)::VARCHAR) AS k FROM range(600000) t(i) ORDER BY m'
    expect(await query(sql, { memoryLimit: '48MB' })).toMatchObject({ rows: 600_000 })
    const huge = await refused(`SELECT list(repeat('x', 100) || i) AS l FROM range(3000000) t(i)`, {
      memoryLimit: '48MB',
    })
    expect(huge.message).toContain('more memory than a step has')
  })

  it('stops when it is told to, and leaves nothing behind', async () => {
    const stop = new AbortController()
    const before = await readdir(directory)
    const running = query('SELECT count(*) FROM hours a, hours b, hours c WHERE a.cnt + b.cnt > c.cnt', {
      signal: stop.signal,
    })
    setImmediate(() => stop.abort(new Error('stop')))
    await expect(running).rejects.toThrow('stop')
    const left = (await readdir(directory)).filter(entry => !before.includes(entry))
    expect(left.filter(entry => !entry.startsWith('out-'))).toEqual([])
  })
})
