import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

export type Pages<T> = AsyncIterable<readonly T[]> | Iterable<readonly T[]>

/** Writes items as lines of JSON, which DuckDB reads. */
export async function writeLines<T>(
  pages: Pages<T>,
  view: (item: T) => unknown,
  outFile: string,
  signal?: AbortSignal,
): Promise<void> {
  async function* lines(): AsyncGenerator<string> {
    for await (const page of pages) yield page.map(item => `${JSON.stringify(view(item))}\n`).join('')
  }
  await pipeline(Readable.from(lines()), createWriteStream(outFile), signal ? { signal } : {})
}
