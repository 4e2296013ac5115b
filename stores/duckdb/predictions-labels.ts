import { rm } from 'node:fs/promises'
import { type DuckDbOptions, text, withDuckDb } from './duckdb.js'
import { type Pages, writeLines } from './lines.js'

export interface LabelRow {
  readonly predictionId: string
  readonly value: number
}

/**
 * Writes the labels that hold, at most one a prediction, as Parquet (id, label) for the queries here.
 * @param pages such as the label store gives them
 */
export async function writeLabels(
  pages: Pages<LabelRow>,
  outFile: string,
  options: DuckDbOptions = {},
): Promise<void> {
  const { signal } = options
  const lines = `${outFile}.ndjson`
  try {
    await writeLines(pages, ({ predictionId: id, value: label }) => ({ id, label }), lines, signal)
    await withDuckDb(options, db =>
      db.run(`COPY (SELECT id, label FROM read_json(${text(lines)}, format = 'newline_delimited',
        columns = {id: 'VARCHAR', label: 'DOUBLE'})) TO ${text(outFile)} (FORMAT parquet)`),
    )
  } finally {
    await rm(lines, { force: true })
  }
}
