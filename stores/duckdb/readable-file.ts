import { createReadStream, createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { FileForm } from '../../domain/datasets/reading.js'
import { Transcoder } from '../../domain/datasets/transcode.js'
import { type DuckDbOptions, withDuckDb } from './duckdb.js'
import { parquetColumns } from './parquet-sql.js'

/**
 * A file as the reader takes it: text that is not UTF-8 is made so, below `directory`.
 * @throws MlforgeError csv_encoding, ndjson_encoding
 */
export async function readableFile(
  file: string,
  { encoding, format }: Pick<FileForm, 'encoding' | 'format'>,
  directory: string,
  signal?: AbortSignal,
): Promise<string> {
  if (encoding === undefined || format === 'parquet') return file
  const transcoder = new Transcoder(encoding, format ?? 'csv')
  const converted = join(directory, 'utf-8.txt')
  async function* utf8(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) yield transcoder.push(chunk)
    transcoder.end()
  }
  const source = createReadStream(file, { highWaterMark: 1 << 20 })
  await pipeline(source, utf8, createWriteStream(converted), signal ? { signal } : {})
  return converted
}

/** Names of the columns of a Parquet file. @throws MlforgeError parquet_malformed, duplicate_columns, no_rows */
export async function parquetNames(file: string, options: DuckDbOptions): Promise<string[]> {
  return withDuckDb(options, async db => [...(await parquetColumns(db, file)).keys()])
}
