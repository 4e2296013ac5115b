import { hasTable, type TableVersion } from '../stores/postgres/dataset-store.js'
import type { Ports } from './ports.js'

/** Rows of the version that one comes after, undefined where there is none with a table. */
export async function rowsBefore(
  { datasets }: Pick<Ports, 'datasets'>,
  project: string,
  name: string,
  { parentVersions }: TableVersion,
): Promise<number | undefined> {
  const [version] = parentVersions
  if (version === undefined) return undefined
  const before = await datasets.find(project, name, { kind: 'number', version })
  return before !== null && hasTable(before) ? Number(before.rows) : undefined
}
