import { createReadStream, createWriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type RaggedRow, RowAligner } from '../../domain/datasets/align-rows.js'
import { conversionOf } from '../../domain/datasets/conversion.js'
import type { FileForm } from '../../domain/datasets/reading.js'

/** A CSV file whose rows all have as many fields as there are columns, and which of them have not had so many. */
export interface AlignedFile {
  readonly file: string
  /** As it was. */
  readonly original: string
  /** Rows that are of missing values now, in their order: JSON lines of `RaggedRow`. */
  readonly ragged: string
  readonly count: number
}

/** Aligns the rows of a checked CSV file in UTF-8, below `directory`. */
export async function alignedFile(
  original: string,
  form: FileForm,
  directory: string,
  signal?: AbortSignal,
): Promise<AlignedFile> {
  const file = join(directory, 'aligned.csv')
  const ragged = join(directory, 'ragged.jsonl')
  const aligner = new RowAligner(conversionOf(form, [], []))
  const found: RaggedRow[] = []
  async function* aligned(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) yield taken(aligner.push(chunk))
    yield taken(aligner.end())
  }
  const taken = ({ bytes, ragged: rows }: ReturnType<RowAligner['end']>): Uint8Array => {
    for (const row of rows) found.push(row)
    return Buffer.concat(bytes)
  }
  const reading = createReadStream(original, { highWaterMark: 1 << 20 })
  await pipeline(reading, aligned, createWriteStream(file), signal ? { signal } : {})
  await writeFile(ragged, found.map(row => `${JSON.stringify(row)}\n`).join(''))
  return { file, original, ragged, count: found.length }
}
