import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { conversionLike } from '../../../domain/datasets/conversion.js'
import type { FileForm, StatedReading } from '../../../domain/datasets/reading.js'
import type { DeclaredColumns, Schema } from '../../../domain/datasets/schema.js'
import { UploadChecker } from '../../../domain/datasets/upload-check.js'
import { alignedFile } from '../../../stores/duckdb/aligned-file.js'
import { withDuckDb } from '../../../stores/duckdb/duckdb.js'
import { convertToParquet, type ConvertOptions } from '../../../stores/duckdb/ingest.js'
import { proposeTypes } from '../../../stores/duckdb/propose-types.js'
import { parquetNames, readableFile } from '../../../stores/duckdb/readable-file.js'
import { readRows } from '../../../stores/duckdb/rows.js'
import { temporaryDirectory } from './tables.js'

export interface How extends Partial<Pick<ConvertOptions, 'quarantine'>> {
  readonly stated?: StatedReading
  readonly declared?: DeclaredColumns
  readonly nullValues?: readonly string[]
  /** The schema of a version before. */
  readonly previous?: Schema
}

/** Reads files as an upload and its commit do, in a directory of its own. */
export class ReaderBench {
  private made = 0

  private constructor(private readonly directory: string) {}

  static async start(): Promise<ReaderBench> {
    return new ReaderBench(await temporaryDirectory())
  }

  stop(): Promise<void> {
    return rm(this.directory, { recursive: true, force: true })
  }

  readonly place = (name: string): string => join(this.directory, `${++this.made}-${name}`)

  /** A file checked, typed and converted: what an upload and its commit do. */
  readonly read = async (content: string | Uint8Array, how: How = {}) => {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    const checker = new UploadChecker(how.stated)
    checker.push(bytes)
    const { rows, ...found } = checker.end()
    const original = this.place('raw')
    await writeFile(original, bytes)
    const text = await readableFile(original, found, this.directory)
    const form: FileForm = { ...found, columns: found.columns ?? (await parquetNames(text, {})) }
    const aligned = form.ragged ? await alignedFile(text, form, this.directory) : null
    const file = aligned?.file ?? text
    const { nullValues = [], declared = {}, previous, quarantine } = how
    const conversion = previous
      ? conversionLike(previous, form, nullValues)
      : (await proposeTypes(file, form, declared, { nullValues })).conversion
    const out = this.place('table.parquet')
    const table = await convertToParquet(file, conversion, out, {
      rows,
      inherited: previous !== undefined,
      ...(aligned && { aligned }),
      ...(quarantine && { quarantine }),
    })
    return { ...table, conversion, out, rows: (await readRows(out, { limit: 1000 })).rows }
  }

  /** A Parquet file of what SQL selects. */
  readonly parquet = async (select: string, options = ''): Promise<Uint8Array> => {
    const file = this.place('given.parquet')
    await withDuckDb({}, db => db.run(`COPY (${select}) TO '${file}' (FORMAT parquet ${options})`))
    return readFile(file)
  }
}
