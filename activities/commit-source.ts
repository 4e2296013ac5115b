import type { CommitRequest, CommitSource } from '../domain/datasets/commit-request.js'
import { MlforgeError } from '../domain/errors.js'
import { reads } from '../stores/lineage-scope.js'
import { writeTableFile } from './objects.js'
import type { Ports } from './ports.js'
import { applyVersion } from './transformations.js'

/** The bytes of the table that is to be committed: those of an upload, or what a transformation makes of a version. */
export async function commitSource(
  ports: Pick<Ports, 'datasets' | 'transformations' | 'objects'>,
  { upload, transformed }: CommitRequest,
  { project, directory, signal }: { project: string; directory: string; signal: AbortSignal },
): Promise<CommitSource> {
  if (upload !== undefined) return upload
  if (transformed === undefined) {
    throw new MlforgeError('internal', 'A commit has neither an upload nor a transformation.')
  }
  const { dataset, transformation, outOfFold = false } = transformed
  reads({ kind: 'dataset', ...dataset })
  const { parquet } = await ports.datasets.table(project, dataset.name, {
    kind: 'number',
    version: dataset.version,
  })
  const asked = { project, uri: parquet.uri, ...transformation, outOfFold, store: writeTableFile }
  const made = await applyVersion(ports, asked, directory, signal)
  return { ...made, delimiter: null, reading: { format: 'parquet' } }
}
