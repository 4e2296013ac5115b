import { join } from 'node:path'
import type { BadRows } from '../domain/datasets/bad-rows.js'
import { QUARANTINE_FILE } from '../domain/datasets/bad-rows.js'
import type { CommitSource } from '../domain/datasets/commit-request.js'
import type { ConversionSpec } from '../domain/datasets/conversion.js'
import type { CsvDelimiter } from '../domain/datasets/csv-header.js'
import type { FileForm } from '../domain/datasets/reading.js'
import { type AlignedFile, alignedFile } from '../stores/duckdb/aligned-file.js'
import { type Converted, convertToParquet } from '../stores/duckdb/ingest.js'
import { parquetNames, readableFile } from '../stores/duckdb/readable-file.js'
import type { ObjectStore } from '../stores/objects/object-store.js'

export interface Work {
  readonly directory: string
  readonly signal: AbortSignal
}

/** Bytes of a table as a file that can be read, and how. */
export interface OpenedSource {
  readonly file: string
  readonly form: FileForm
  readonly aligned: AlignedFile | null
  readonly rows: number | null
}

/** Makes the bytes of a table ready to be read. */
export async function openSource(
  objects: Pick<ObjectStore, 'toFile'>,
  source: CommitSource,
  { directory, signal }: Work,
): Promise<OpenedSource> {
  const original = await objects.toFile(source.uri, directory)
  const text = await readableFile(original, source.reading ?? {}, directory, signal)
  const form = await formOf(text, source, { signal, temporaryDirectory: directory })
  const aligned = form.ragged ? await alignedFile(text, form, directory, signal) : null
  return { file: aligned?.file ?? text, form, aligned, rows: source.rows }
}

/** As typed Parquet, with the rows beside it that could not be read. */
export async function convertSource(
  { file, aligned, rows }: OpenedSource,
  conversion: ConversionSpec,
  { inherited, badRows }: { readonly inherited: boolean; readonly badRows?: BadRows | undefined },
  { directory, signal }: Work,
): Promise<Converted & { readonly parquetFile: string; readonly quarantineFile: string }> {
  const parquetFile = join(directory, 'table.parquet')
  const quarantineFile = join(directory, QUARANTINE_FILE)
  const converted = await convertToParquet(file, conversion, parquetFile, {
    signal,
    temporaryDirectory: directory,
    rows,
    ...(aligned && { aligned }),
    inherited,
    ...(badRows && { quarantine: { allowed: badRows, file: quarantineFile } }),
  })
  return { ...converted, parquetFile, quarantineFile }
}

/** How a file is read; of Parquet and Arrow only the file itself tells its columns. */
async function formOf(
  file: string,
  { reading, delimiter, columns }: CommitSource,
  options: { signal: AbortSignal; temporaryDirectory: string },
): Promise<FileForm> {
  return {
    ...reading,
    delimiter: delimiter as CsvDelimiter | null,
    columns: columns ?? (await parquetNames(file, options)),
  }
}
