import type { Json } from '../../domain/canonical-json.js'
import type { Problem } from '../../domain/errors.js'
import type { Ports } from '../ports.js'

type Inputs = Readonly<Record<string, Json>>

/** What is wrong with the version of a dataset that a step names for its lineage. */
export function lineageProblems({ dataset, version }: Inputs): Problem[] {
  if ((dataset === undefined) === (version === undefined)) return []
  const at = dataset === undefined ? 'dataset' : 'version'
  return [{ at, message: 'A dataset and its version say together what it was made from.' }]
}

/** The version of the dataset as lineages name it, null where none is named; it must be there. */
export async function datasetNamed(
  { datasets }: Pick<Ports, 'datasets'>,
  project: string,
  { dataset, version }: Inputs,
): Promise<{ name: string; version: number; root: string } | null> {
  if (dataset === undefined) return null
  const found = await datasets.table(project, String(dataset), Number(version))
  return { name: String(dataset), version: found.version, root: found.root }
}
