import { createReadStream, createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { FileForm } from '../../domain/datasets/reading.js'
import { Transcoder } from '../../domain/datasets/transcode.js'
import { arrowToParquet } from './arrow/arrow-to-parquet.js'
import { type DuckDbOptions, withDuckDb } from './duckdb.js'
import { parquetColumns } from './parquet-sql.js'

/**
 * A file as the reader takes it: Arrow is made Parquet, below `directory`, text that is not UTF-8 is made so, and
 * JSON lines have no byte order mark.
 * @throws MlforgeError csv_encoding, ndjson_encoding, and those of `arrowToParquet`
 */
export async function readableFile(
  file: string,
  { encoding, format }: Pick<FileForm, 'encoding' | 'format'>,
  directory: string,
  signal?: AbortSignal,
): Promise<string> {
  if (format === 'parquet') return file
  if (format === 'arrow') return arrowToParquet(file, directory, { signal })
  const converted = join(directory, 'utf-8.txt')
  const writing = [createWriteStream(converted), signal ? { signal } : {}] as const
  if (encoding === undefined) {
    if (format !== 'ndjson' || !(await hasMark(file))) return file
    await pipeline(createReadStream(file, { start: MARK.length }), ...writing)
    return converted
  }
  const transcoder = new Transcoder(encoding, format ?? 'csv')
  async function* utf8(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) yield transcoder.push(chunk)
    transcoder.end()
  }
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), utf8, ...writing)
  return converted
}

const MARK = Buffer.from([0xef, 0xbb, 0xbf])

async function hasMark(file: string): Promise<boolean> {
  const handle = await open(file)
  try {
    const { buffer } = await handle.read(Buffer.alloc(MARK.length), 0, MARK.length, 0)
    return buffer.equals(MARK)
  } finally {
    await handle.close()
  }
}

/** Names of the columns of a Parquet file. @throws MlforgeError parquet_malformed, duplicate_columns, no_rows */
export async function parquetNames(file: string, options: DuckDbOptions): Promise<string[]> {
  return withDuckDb(options, async db => [...(await parquetColumns(db, file)).keys()])
}
