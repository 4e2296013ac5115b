import { reads } from '../stores/lineage-scope.js'
import type { Ports } from './ports.js'

/** The latest versions of the datasets that expectations name, as files in a directory. */
export async function otherTables(
  { datasets, objects }: Pick<Ports, 'datasets' | 'objects'>,
  project: string,
  names: readonly string[],
  directory: string,
): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for (const name of names) {
    const { parquet, version } = await datasets.table(project, name, 'latest')
    reads({ kind: 'dataset', name, version })
    files[name] = await objects.toFile(parquet.uri, directory)
  }
  return files
}
