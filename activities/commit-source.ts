import { join } from 'node:path'
import type { CommitRequest, CommitSource, Transformed } from '../domain/datasets/commit-request.js'
import { MlforgeError } from '../domain/errors.js'
import { readFitted } from '../domain/transformations/read-fitted.js'
import { applyTransformation } from '../stores/duckdb/transformations.js'
import { reads } from '../stores/lineage-scope.js'
import { readJson, writeFile } from './objects.js'
import type { Ports } from './ports.js'

interface Work {
  readonly project: string
  readonly directory: string
  readonly signal: AbortSignal
}

/** The bytes of the table that is to be committed: those of an upload, or what a transformation makes of a version. */
export async function commitSource(
  ports: Pick<Ports, 'datasets' | 'transformations' | 'objects'>,
  { upload, transformed }: CommitRequest,
  work: Work,
): Promise<CommitSource> {
  if (upload !== undefined) return upload
  if (transformed !== undefined) return transform(ports, transformed, work)
  throw new MlforgeError('internal', 'A commit has neither an upload nor a transformation.')
}

async function transform(
  { datasets, transformations, objects }: Pick<Ports, 'datasets' | 'transformations' | 'objects'>,
  { dataset, transformation }: Transformed,
  { project, directory, signal }: Work,
): Promise<CommitSource> {
  reads({ kind: 'dataset', ...dataset }, { kind: 'transformation', ...transformation })
  const { state } = await transformations.version(project, transformation.name, transformation.version)
  const fitted = readFitted(await readJson(objects, state.uri))
  const { parquet } = await datasets.table(project, dataset.name, {
    kind: 'number',
    version: dataset.version,
  })
  const file = await objects.toFile(parquet.uri, directory)
  const outFile = join(directory, 'transformed.parquet')
  const { rows, columns } = await applyTransformation(
    { file, fitted, outFile },
    { signal, temporaryDirectory: directory },
  )
  const written = await writeFile(objects, project, outFile)
  return {
    ...written,
    delimiter: null,
    columns: columns.map(column => column.name),
    rows,
    reading: { format: 'parquet' },
  }
}
