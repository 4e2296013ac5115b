import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CsvChecker, type CsvSummary } from '../../../domain/datasets/csv-check.js'
import type { DeclaredColumns } from '../../../domain/datasets/schema.js'
import type { DuckDbOptions } from '../../../stores/duckdb/duckdb.js'
import { convertToParquet, type Converted } from '../../../stores/duckdb/ingest.js'
import { proposeTypes } from '../../../stores/duckdb/propose-types.js'
import type { PredictionSource } from '../../../stores/duckdb/predictions.js'
import { type OrderedRows, withWindows } from '../../../stores/duckdb/predictions-window.js'

export const BIKE = fileURLToPath(
  new URL('../../../../examples/bike-sharing/bike-sharing-hour.csv', import.meta.url),
)

export const BIKE_DATES: DeclaredColumns = { dteday: { type: 'date', format: '%m/%d/%Y' } }

export function temporaryDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'mlforge-tables-'))
}

export function check(content: Uint8Array): CsvSummary {
  const checker = new CsvChecker()
  checker.push(content)
  return checker.end()
}

/** Header and the data rows that are wanted, as lines of the bike-sharing file. */
export async function bikeLines(wanted: (fields: readonly string[]) => boolean): Promise<string> {
  const [header, ...rows] = (await readFile(BIKE, 'utf8')).trimEnd().split('\n')
  return [header, ...rows.filter(row => wanted(row.split(',')))].join('\n') + '\n'
}

/** A CSV text checked, typed and converted below `directory`: what a dataset commit does. */
export async function ingest(
  directory: string,
  csv: string,
  declared: DeclaredColumns = {},
): Promise<Converted & { file: string }> {
  const content = new TextEncoder().encode(csv)
  const csvFile = join(directory, `${Math.random()}.csv`)
  await writeFile(csvFile, content)
  const summary = check(content)
  const { conversion } = await proposeTypes(csvFile, summary, declared)
  const file = `${csvFile}.parquet`
  return { ...(await convertToParquet(csvFile, conversion, file, { rows: summary.rows })), file }
}

/** The answered rows of a window, as far as a drift check judges their errors. */
export function orderedRows(
  question: PredictionSource & { from: number; to: number; features?: readonly string[] },
  options: DuckDbOptions = {},
): Promise<OrderedRows> {
  const { from, to, features } = question
  return withWindows(question, options, windowOf => windowOf({ start: from, end: to }).ordered(features))
}
