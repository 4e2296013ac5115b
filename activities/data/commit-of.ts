import type { Json } from '../../domain/canonical-json.js'
import type { Commit } from '../../domain/data/commit.js'
import { hasTable } from '../../stores/postgres/dataset-store.js'
import type { DatasetVersion } from '../../stores/postgres/entities/dataset.js'

/** A version as it is written to the object store. */
export function commitOf(row: DatasetVersion, dataset: string, parents: readonly string[]): Commit {
  const { version, branch, manifest, files, bytes, message, author, code, runId, effectKey } = row
  return {
    dataset,
    version,
    branch,
    parents,
    madeFrom: row.parents,
    manifest: manifest!,
    files: files!,
    bytes: Number(bytes),
    author: author ?? '',
    message,
    at: row.createdAt.toISOString(),
    code,
    runId,
    effectKey,
    table: hasTable(row)
      ? {
          root: row.root,
          parquet: { sha256: row.parquet.sha256, bytes: row.parquet.bytes },
          ...(row.quarantine && {
            quarantine: {
              sha256: row.quarantine.sha256,
              bytes: row.quarantine.bytes,
              rows: row.quarantine.rows,
            },
          }),
          rows: Number(row.rows),
          schema: row.schema as Json,
          conversion: row.conversion as Json,
          proposal: row.proposal as Json,
          expectations: row.expectations as Json,
          ...(row.suite && { suite: row.suite }),
          profile: row.profile as Json,
        }
      : null,
  }
}
