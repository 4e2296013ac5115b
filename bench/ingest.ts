// Prediction log to Parquet, and one read of a window with all its features, against DuckDB alone on
// the same rows as CSV: the same columns, types, order and compression, runs interleaved, medians.
// `node dist/bench/ingest.js [--rows=n]`: two sizes, or the one given.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createReadStream } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { name, text, withDuckDb } from '../stores/duckdb/duckdb.js'
import { writeLabels } from '../stores/duckdb/predictions-labels.js'
import { windowRows } from '../stores/duckdb/predictions-window.js'
import { FEATURE_PREFIX, LOGGED_COLUMNS, PredictionTable } from '../stores/duckdb/predictions-write.js'
import { LocalObjectStore } from '../stores/objects/local-object-store.js'
import { encodeRecord } from '../stores/segments/segment-codec.js'
import { median, report, type Row } from './report.js'

const SIZES = [100_000, 1_000_000]
const REPEATS = 3
const SEGMENT_BYTES = 8 * 2 ** 20
/** Segments in one transaction of the worker. */
const BATCH = 16
const FEATURES = Array.from({ length: 20 }, (_, i) => `feature ${i}`)
const REPLICA = '0190a000-0000-7000-8000-000000000001'
const START = Date.UTC(2012, 0, 1)
const CSV_COLUMNS = Object.entries({
  ...LOGGED_COLUMNS,
  ...Object.fromEntries(FEATURES.map(feature => [feature, 'DOUBLE'])),
})

interface Segment {
  readonly uri: string
  readonly records: number
  readonly first: number
}

const { values } = parseArgs({ options: { rows: { type: 'string' } } })
const root = await mkdtemp(join(tmpdir(), 'mlforge-bench-ingest-'))
const objects = new LocalObjectStore(join(root, 'objects'))
try {
  const rows: Row[] = []
  for (const size of values.rows === undefined ? SIZES : [Number(values.rows)])
    rows.push(...(await measure(size)))
  report('ingest', rows)
} finally {
  await rm(root, { recursive: true, force: true })
}

async function measure(size: number): Promise<Row[]> {
  const csv = join(root, `${size}.csv`)
  const labels = join(root, `${size}.labels`)
  const segments = await makeRows(size, csv)
  await writeLabels(pagesOf(size), labels)
  const [ingest, convert, read, readCsv]: number[][] = [[], [], [], []]
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    let files: string[] = []
    ingest!.push(await seconds(async () => void (files = await ingested(segments, size))))
    convert!.push(await seconds(() => fromCsv(csv)))
    read!.push(await seconds(() => window(files, labels, size)))
    readCsv!.push(await seconds(() => windowFromCsv(csv, labels, size)))
  }
  const shared = { unit: 's', peerName: 'DuckDB from CSV' }
  const details = (ours: number[], peer: number[]) => ({
    rows: size,
    features: FEATURES.length,
    rowsPerSecond: Math.round(size / median(ours)),
    ours,
    peer,
  })
  return [
    {
      ...shared,
      what: `ingest, ${size} rows`,
      ours: median(ingest!),
      peer: median(convert!),
      aim: 'a million rows in under a minute',
      details: details(ingest!, convert!),
    },
    {
      ...shared,
      what: `window of all, ${size} rows`,
      ours: median(read!),
      peer: median(readCsv!),
      aim: 'under 1',
      details: details(read!, readCsv!),
    },
  ]
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

/** The same rows as sealed segments in the object store and as one CSV file. */
async function makeRows(size: number, csv: string): Promise<Segment[]> {
  const segments: Segment[] = []
  const lines = [[...Object.keys(LOGGED_COLUMNS), ...FEATURES].join(',')]
  let frames: Buffer[] = []
  let bytes = 0
  for (let sequence = 1; sequence <= size; sequence++) {
    const values = FEATURES.map((_, i) => Math.sin(sequence * (i + 1)) * 100)
    const [eventTime, at, output] = [
      START + sequence * 1000,
      START + sequence * 1000 + 5,
      Math.cos(sequence) * 100,
    ]
    const features = Object.fromEntries(FEATURES.map((feature, i) => [feature, values[i]!]))
    const common = { sequence, id: `row-${sequence}`, version: 1 + (sequence % 2), role: 'stable' as const }
    const key = String(sequence % 5000)
    const frame = encodeRecord({
      ...common,
      deployment: 'bench',
      revision: 1,
      key,
      eventTime,
      at,
      features,
      output,
    })
    frames.push(frame)
    bytes += frame.length
    const row = [
      sequence,
      REPLICA,
      common.id,
      common.version,
      common.role,
      1,
      key,
      iso(eventTime),
      iso(at),
      output,
    ]
    lines.push([...row, ...values].join(','))
    if (lines.length > 10_000 || sequence === size) {
      await writeFile(csv, lines.splice(0).join('\n') + '\n', { flag: 'a' })
    }
    if (bytes < SEGMENT_BYTES && sequence < size) continue
    const { uri } = await objects.write('bench', Buffer.concat(frames))
    segments.push({ uri, records: frames.length, first: sequence - frames.length + 1 })
    frames = []
    bytes = 0
  }
  return segments
}

function iso(time: number): string {
  return new Date(time).toISOString().slice(0, -1)
}

function* pagesOf(size: number): Generator<{ predictionId: string; value: number }[]> {
  for (let from = 1; from <= size; from += 10_000) {
    yield Array.from({ length: Math.min(10_000, size + 1 - from) }, (_, i) => ({
      predictionId: `row-${from + i}`,
      value: Math.sin(from + i) * 100,
    }))
  }
}

/** What the worker does with segments, but for the rows in Postgres. */
async function ingested(segments: readonly Segment[], size: number): Promise<string[]> {
  const directory = await mkdtemp(join(root, `${size}-`))
  const files: string[] = []
  for (let from = 0; from < segments.length; from += BATCH) {
    const file = join(directory, `${from}.parquet`)
    await PredictionTable.with(directory, {}, async table => {
      for (const { uri, records, first } of segments.slice(from, from + BATCH)) {
        const last = first + records - 1
        const numbers = { records, firstSequence: first, lastSequence: last }
        await table.stage({
          replica: REPLICA,
          segment: 1,
          bytes: await readFile(await objects.toFile(uri, directory)),
          ...numbers,
        })
        await table.keep([])
      }
      await table.write('bench', file)
    })
    await objects.write('bench', createReadStream(file))
    files.push(file)
  }
  return files
}

function csvSource(csv: string): string {
  const columns = CSV_COLUMNS.map(([column, type]) => `${text(column)}: ${text(type)}`).join(', ')
  return `read_csv(${text(csv)}, auto_detect = false, header = true, delim = ',', quote = '"', columns = {${columns}})`
}

async function fromCsv(csv: string): Promise<void> {
  await withDuckDb({}, db => {
    const columns = CSV_COLUMNS.map(([column]) =>
      column in LOGGED_COLUMNS ? name(column) : `${name(column)} AS ${name(FEATURE_PREFIX + column)}`,
    )
    return db.run(`COPY (SELECT ${columns.join(', ')} FROM ${csvSource(csv)} ORDER BY event_time, replica, sequence)
      TO ${text(`${csv}.parquet`)} (FORMAT parquet, COMPRESSION zstd)`)
  })
}

async function window(files: string[], labels: string, size: number): Promise<void> {
  const question = { files, labels, from: START, to: START + 2000 * size, features: FEATURES }
  const { labelled } = await windowRows(question)
  if (labelled !== size) throw new Error(`the window has ${labelled} of ${size} rows`)
}

/** The same arrays, without asking what counts. */
async function windowFromCsv(csv: string, labels: string, size: number): Promise<void> {
  await withDuckDb({}, async db => {
    const columns = [
      'output',
      'label',
      'epoch_ms(event_time)::DOUBLE',
      'version::DOUBLE',
      ...FEATURES.map(name),
    ]
    const [output] = await db.numbers(`SELECT ${columns.join(', ')} FROM ${csvSource(csv)}
      LEFT JOIN read_parquet(${text(labels)}) USING (id) ORDER BY event_time, id`)
    if (output!.length !== size) throw new Error(`the CSV has ${output!.length} of ${size} rows`)
  })
}
