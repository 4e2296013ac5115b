import type { OtherTable } from '../domain/expectations/other-columns.js'
import { reads } from '../stores/lineage-scope.js'
import type { Ports } from './ports.js'

/** The latest versions of the datasets that expectations name, as files in a directory. */
export async function otherTables(
  { datasets, objects }: Pick<Ports, 'datasets' | 'objects'>,
  project: string,
  names: readonly string[],
  directory: string,
): Promise<Record<string, OtherTable>> {
  const tables: Record<string, OtherTable> = {}
  for (const name of names) {
    const { parquet, version } = await datasets.table(project, name, 'latest')
    reads({ kind: 'dataset', name, version })
    tables[name] = { version, file: await objects.toFile(parquet.uri, directory) }
  }
  return tables
}
