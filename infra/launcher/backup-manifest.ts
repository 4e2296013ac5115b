import { z } from 'zod'
import { MlforgeError } from '../../domain/errors.js'

const file = z.object({ name: z.string(), bytes: z.number(), sha256: z.string() })

const manifest = z.object({
  format: z.literal(1),
  createdAt: z.string(),
  /** The schema of the tables: restore makes this one, loads, and then migrates on. */
  migrations: z.array(z.string()),
  /** In an order in which they can be loaded. */
  tables: z.array(z.object({ name: z.string(), columns: z.array(z.string()), rows: z.number() })),
  /** Null where Temporal is external and has back-ups of its own. */
  temporal: z.object({ namespace: z.string() }).nullable(),
  files: z.array(file),
  /** Where the objects are when they are not in the archive: a bucket keeps its bytes itself. */
  bucket: z.object({ endpoint: z.string(), bucket: z.string(), prefix: z.string() }).nullable().default(null),
  objects: z.array(z.object({ uri: z.string(), bytes: z.number() })),
})

export type BackupManifest = z.infer<typeof manifest>

export const MANIFEST = 'manifest.json'
export const TEMPORAL_FILE = 'temporal.db'

/** @throws invalid_request for what is no manifest of a backup that this release can read */
export function parseManifest(text: string): BackupManifest {
  try {
    return manifest.parse(JSON.parse(text))
  } catch {
    throw new MlforgeError(
      'invalid_request',
      'The file is not a backup that this release can read. Use the release that wrote it.',
    )
  }
}
