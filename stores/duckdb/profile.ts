import {
  type ColumnProfile,
  type NumericProfile,
  type Profile,
  QUANTILES,
  type TemporalProfile,
} from '../../domain/profile/profile.js'
import { type DuckDb, type DuckDbOptions, text, withDuckDb } from './duckdb.js'
import { type Basics, measureBasics } from './profile/basics.js'
import { batches, isNumber, isTime, type Source, sourcesOf } from './profile/columns.js'
import { countDuplicates, measureCorrelations } from './profile/pairs.js'
import {
  hasExactQuantiles,
  measureQuantiles,
  measureShapes,
  type Quantiles,
  type Shape,
} from './profile/shapes.js'
import { type Frequencies, measureFrequencies } from './profile/top.js'

/**
 * Profile of a Parquet file. One thread, so that sums come out the same to the last bit each time. Columns are read
 * once for counts and moments, once for quantiles, once for histograms, once to count each value, and together for
 * correlations and duplicates.
 */
export async function profileTable(parquetFile: string, options: DuckDbOptions = {}): Promise<Profile> {
  return withDuckDb({ ...options, threads: 1 }, async db => {
    // The footer of a file of many columns is long: it is read once.
    await db.run('SET parquet_metadata_cache = true')
    await db.run(`CREATE VIEW t AS SELECT * FROM read_parquet(${text(parquetFile)})`)
    const sources = await sourcesOf(db)
    const [counted] = await db.query('SELECT count(*) AS rows FROM t')
    const rows = counted!['rows'] as number
    const basics: Basics[] = []
    const columns: ColumnProfile[] = []
    for (const part of partsOf(sources, rows)) {
      const table = part.length < sources.length ? await tableOf(db, part) : 't'
      const measured = await measureColumns(db, table, part, rows)
      basics.push(...measured.basics)
      columns.push(...measured.columns)
    }
    const hasKey = columns.some(({ count, distinct }) => count === rows && distinct === rows)
    return {
      v: 2,
      rows,
      exactQuantiles: hasExactQuantiles(rows),
      duplicates: await countDuplicates(db, sources, rows, hasKey),
      correlations: await measureCorrelations(db, sources, basics, rows),
      columns,
    }
  })
}

/** Columns beyond which every statement about a file takes longer to plan than to run. */
const WIDE = 64
/** Values of a wide table that are copied out of its file at once; past the memory limit they are on disk. */
const VALUES_AT_ONCE = 8_000_000

function partsOf(sources: readonly Source[], rows: number): Source[][] {
  if (sources.length <= WIDE) return [[...sources]]
  return batches(sources, Math.max(1, Math.min(WIDE, Math.floor(VALUES_AT_ONCE / Math.max(rows, 1)))))
}

async function tableOf(db: DuckDb, part: readonly Source[]): Promise<string> {
  const columns = part.map(({ value }) => value).join(', ')
  await db.run(`CREATE OR REPLACE TEMP TABLE part AS SELECT ${columns} FROM t`)
  return 'part'
}

async function measureColumns(db: DuckDb, table: string, sources: readonly Source[], rows: number) {
  const basics = await measureBasics(db, table, sources)
  const quantiles = await measureQuantiles(db, table, sources, rows)
  const shapes = await measureShapes(db, table, sources, basics)
  const columns: ColumnProfile[] = []
  for (const [i, source] of sources.entries()) {
    const frequencies = await measureFrequencies(db, table, source)
    const found = {
      basics: basics[i]!,
      shape: shapes[i]!,
      quantiles: quantiles.get(source.name),
      frequencies,
    }
    columns.push(columnProfile(source, rows, found))
  }
  return { basics, columns }
}

interface Found {
  readonly basics: Basics
  readonly shape: Shape
  readonly quantiles: Quantiles | undefined
  readonly frequencies: Frequencies
}

function columnProfile(source: Source, rows: number, found: Found): ColumnProfile {
  const { basics, shape, frequencies } = found
  const { count, min, max, lowest, highest, mean, empty } = basics
  const quantiles = found.quantiles ?? QUANTILES.map(() => null)
  return {
    name: source.name,
    type: source.type,
    kind: source.kind,
    count,
    nulls: rows - count,
    distinct: frequencies.distinct,
    min,
    max,
    numeric: isNumber(source) ? numericProfile(basics, shape, quantiles) : null,
    text:
      source.kind === 'string' ? { minLength: lowest, maxLength: highest, meanLength: mean, empty } : null,
    temporal: isTime(source) ? temporalProfile(source, quantiles) : null,
    histogram: shape.histogram,
    imbalance: frequencies.imbalance,
    top: frequencies.top,
  }
}

function numericProfile(basics: Basics, shape: Shape, quantiles: Quantiles): NumericProfile {
  const { nan, infinite, zeros, negative } = basics
  const { mean, std, skewness, kurtosis } = shape
  return { mean, std, quantiles, nan, infinite, zeros, negative, skewness, kurtosis }
}

const DAY_S = 86_400

function temporalProfile({ kind }: Source, quantiles: Quantiles): TemporalProfile {
  const seconds = kind === 'date' ? DAY_S : 1
  const shown = (x: number | null): string | null => {
    // Dates that ISO 8601 does not write in four digits are left out.
    const time = new Date(x === null ? NaN : Math.floor(x * seconds * 1000))
    if (Number.isNaN(time.getTime())) return null
    return kind === 'date' ? time.toISOString().slice(0, -14) : time.toISOString().slice(0, -1)
  }
  return { quantiles: quantiles.map(shown) }
}
