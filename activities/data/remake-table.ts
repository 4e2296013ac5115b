import { createReadStream } from 'node:fs'
import { type ConversionSpec, formOf } from '../../domain/datasets/conversion.js'
import { unusualOf } from '../../domain/datasets/reading.js'
import { MlforgeError } from '../../domain/errors.js'
import { parseObjectUri } from '../../stores/objects/object-uri.js'
import { hasTable } from '../../stores/postgres/dataset-store.js'
import type { DatasetVersion } from '../../stores/postgres/entities/dataset.js'
import type { Ports } from '../ports.js'
import { withScratch } from '../scratch.js'
import { convertSource, openSource } from '../table-conversion.js'

/**
 * Writes the table of a version, or what was put aside of it, anew: converted once more out of its raw bytes. False
 * where that gives other bytes, as another engine may, or cannot be done; null of a version that was purged meanwhile.
 */
export async function remakeTable(
  { objects, ends, scratch }: Pick<Ports, 'objects' | 'ends' | 'scratch'>,
  project: string,
  version: DatasetVersion,
  what: 'parquet' | 'quarantine',
  signal: AbortSignal,
): Promise<boolean | null> {
  const content = version[what]
  if (!hasTable(version) || content === null) return false
  const { raw, quarantine, proposal } = version
  const conversion = version.conversion as ConversionSpec
  // What predictions were joined to is not made of its raw bytes alone.
  if ('joined' in conversion) return false
  const form = formOf(conversion)
  const source = {
    ...raw,
    delimiter: form.delimiter ?? null,
    columns: form.columns,
    rows: null,
    reading: unusualOf(form),
  }
  const badRows = quarantine === null ? undefined : { maxRows: quarantine.rows, maxShare: null }
  return withScratch(scratch, async directory => {
    try {
      const work = { directory, signal }
      const opened = await openSource(objects, source, work)
      const made = await convertSource(opened, conversion, { inherited: proposal === null, badRows }, work)
      const file = what === 'parquet' ? made.parquetFile : made.quarantineFile
      const { kind } = parseObjectUri(content.uri)!
      return await ends.whileKept(version.id, async (_, lost) => {
        const stop = AbortSignal.any([signal, lost])
        await objects.write(project, createReadStream(file), { sha256: content.sha256, kind, signal: stop })
        return true
      })
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof MlforgeError && error.code !== 'unavailable') return false
      throw error
    }
  })
}
