// 50 expectations of a table of 1,000,000 rows and 20 columns, as a dataset commit evaluates them, against a
// bare scan of the same columns by DuckDB that decodes every value and does nothing more with it than hash it.
// Once with rows and aggregates alone (one scan), once with keys, order and distributions among the 50.
// `node dist/bench/expectations.js [--rows=n] [--runs=n]`
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { checkSuite } from '../domain/expectations/suite.js'
import type { Expectation } from '../domain/expectations/expectation.js'
import { type DuckDbOptions, name, text, withDuckDb } from '../stores/duckdb/duckdb.js'
import { evaluateSuite } from '../stores/duckdb/expectations/evaluate.js'
import { tableColumns } from '../stores/duckdb/expectations/table.js'
import { compared, mixed, scanned, TABLE } from './expectations/suites.js'
import { median, report, type Row } from './report.js'

const { values } = parseArgs({ options: { rows: { type: 'string' }, runs: { type: 'string' } } })
const rows = Number(values.rows ?? 1_000_000)
const runs = Number(values.runs ?? 9)
const options: DuckDbOptions = { threads: 2, memoryLimit: '1GB' }
const directory = await mkdtemp(join(tmpdir(), 'mlforge-bench-expectations-'))
const file = join(directory, 'table.parquet')

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

const bareScan = (columns: readonly string[]): Promise<unknown> =>
  withDuckDb(options, db =>
    db.query(`SELECT bit_xor(hash(${columns.map(name).join(', ')})) FROM read_parquet(${text(file)})`),
  )

/** Ours and the bare scan in turns, so that both meet the same machine. */
async function measure(what: string, expectations: readonly Expectation[], aim: string): Promise<Row> {
  const columns = (await tableColumns(file)).map(column => column.name)
  const evaluate = () => evaluateSuite(file, expectations, { ...options, now: '2026-01-01T00:00:00Z' })
  const { outcomes, statements } = await evaluate()
  await bareScan(columns)
  const [ours, peer]: [number[], number[]] = [[], []]
  for (let run = 0; run < runs; run++) {
    peer.push(await seconds(() => bareScan(columns)))
    ours.push(await seconds(evaluate))
  }
  return {
    what,
    unit: 's',
    ours: median(ours),
    peer: median(peer),
    peerName: 'bare scan',
    aim,
    details: {
      rows,
      columns: columns.length,
      expectations: expectations.length,
      holding: outcomes.filter(({ success }) => success).length,
      statements: statements.map(({ query }) => query),
      ours,
      bareScan: peer,
      least: { ours: Math.min(...ours), bareScan: Math.min(...peer) },
    },
  }
}

try {
  await withDuckDb(options, db =>
    db.run(`COPY (${TABLE(rows)}) TO ${text(file)} (FORMAT parquet, COMPRESSION zstd)`),
  )
  const columns = await tableColumns(file)
  report('expectations', [
    await measure(
      '50 expectations of rows and aggregates',
      checkSuite(scanned, { columns }).expectations,
      'below 2',
    ),
    await measure(
      'the same, with ranges that some rows are beyond',
      checkSuite(compared, { columns }).expectations,
      'below 2',
    ),
    await measure('50 expectations of all kinds', checkSuite(mixed, { columns }).expectations, 'none set'),
  ])
} finally {
  await rm(directory, { recursive: true, force: true })
}
