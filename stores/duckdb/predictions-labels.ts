import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type DuckDbOptions, text, withDuckDb } from './duckdb.js'

export interface LabelRow {
  readonly predictionId: string
  readonly value: number
}

/**
 * Writes the labels that hold, at most one a prediction, as Parquet (id, label) for the queries here.
 * @param pages such as the label store gives them
 */
export async function writeLabels(
  pages: AsyncIterable<readonly LabelRow[]> | Iterable<readonly LabelRow[]>,
  outFile: string,
  options: DuckDbOptions = {},
): Promise<void> {
  const { signal } = options
  const lines = `${outFile}.ndjson`
  try {
    await pipeline(Readable.from(linesOf(pages)), createWriteStream(lines), signal ? { signal } : {})
    await withDuckDb(options, db =>
      db.run(`COPY (SELECT id, label FROM read_json(${text(lines)}, format = 'newline_delimited',
        columns = {id: 'VARCHAR', label: 'DOUBLE'})) TO ${text(outFile)} (FORMAT parquet)`),
    )
  } finally {
    await rm(lines, { force: true })
  }
}

async function* linesOf(pages: Parameters<typeof writeLabels>[0]): AsyncGenerator<string> {
  for await (const page of pages) {
    yield page.map(({ predictionId: id, value: label }) => `${JSON.stringify({ id, label })}\n`).join('')
  }
}
