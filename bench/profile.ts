// The profile of a table as a dataset commit measures it, at 200,000 and 1,000,000 rows of 20 columns: against a
// bare scan of the same columns by DuckDB that decodes every value and does nothing more with it than hash it, and
// against the minimal mode of ydata-profiling, which leaves correlations and duplicates out and measures a table
// that is in memory already. `node dist/bench/profile.js [--rows=n] [--runs=n]`
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { type DuckDbOptions, name, text, withDuckDb } from '../stores/duckdb/duckdb.js'
import { tableColumns } from '../stores/duckdb/expectations/table.js'
import { profileTable } from '../stores/duckdb/profile.js'
import { TABLE } from './expectations/suites.js'
import { median, report, type Row } from './report.js'
import { virtualenv } from './virtualenv.js'

const { values } = parseArgs({ options: { rows: { type: 'string' }, runs: { type: 'string' } } })
const sizes = values.rows === undefined ? [200_000, 1_000_000] : [Number(values.rows)]
const runs = Number(values.runs ?? 3)
const options: DuckDbOptions = { memoryLimit: '1GB' }
const directory = await mkdtemp(join(tmpdir(), 'mlforge-bench-profile-'))

const YDATA = ['pandas==2.3.3', 'pyarrow==26.0.1', 'setuptools==80.9.0', 'ydata-profiling==4.18.4']

const SCRIPT = String.raw`
import sys, time, warnings, logging
warnings.filterwarnings('ignore')
logging.disable(logging.CRITICAL)
import pandas as pd
from ydata_profiling import ProfileReport
frame = pd.read_parquet(sys.argv[1])
begin = time.perf_counter()
ProfileReport(frame, minimal=True, progress_bar=False).to_json()
print(time.perf_counter() - begin)
`

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

const run = promisify(execFile)

async function ydata(file: string): Promise<number> {
  const { stdout } = await run(await virtualenv('ydata', YDATA), ['-c', SCRIPT, file], {
    maxBuffer: 64 << 20,
  })
  return Number(stdout.trimEnd().split('\n').at(-1))
}

async function measure(rows: number): Promise<Row[]> {
  const file = join(directory, `${rows}.parquet`)
  await withDuckDb(options, db =>
    db.run(`COPY (${TABLE(rows)}) TO ${text(file)} (FORMAT parquet, COMPRESSION zstd)`),
  )
  const columns = await tableColumns(file)
  const hashed = columns.map(column => name(column.name)).join(', ')
  // As many threads as the profile has.
  const bareScan = () =>
    withDuckDb({ ...options, threads: 1 }, db =>
      db.query(`SELECT bit_xor(hash(${hashed})) FROM read_parquet(${text(file)})`),
    )
  await bareScan()
  const [ours, scan, theirs]: [number[], number[], number[]] = [[], [], []]
  for (let i = 0; i < runs; i++) {
    scan.push(await seconds(bareScan))
    ours.push(await seconds(() => profileTable(file, options)))
    theirs.push(await ydata(file))
  }
  const what = `profile of ${rows.toLocaleString('en')} rows and ${columns.length} columns`
  const shared = {
    what,
    unit: 's',
    ours: median(ours),
    details: { rows, columns: columns.length, ours, scan, theirs },
  }
  return [
    { ...shared, peer: median(scan), peerName: 'bare scan', aim: 'none set' },
    { ...shared, peer: median(theirs), peerName: 'ydata-profiling, minimal', aim: 'below 1' },
  ]
}

try {
  const measured: Row[] = []
  for (const rows of sizes) measured.push(...(await measure(rows)))
  report('profile', measured)
} finally {
  await rm(directory, { recursive: true, force: true })
}
