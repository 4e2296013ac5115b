import { MlforgeError } from '../../domain/errors.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import type { RunStore } from '../../stores/postgres/run-store.js'
import type { Principal } from '../http/request.js'

const WHAT = { dataset: 'commit', push: 'push', pull: 'pull', validation: 'validation' } as const

/** A run of one dataset. @throws MlforgeError not_found for one of another dataset, or of another kind */
export async function runOfDataset(
  runs: RunStore,
  { project }: Principal,
  kind: keyof typeof WHAT,
  dataset: string,
  id: string,
): Promise<Run> {
  const run = await runs.get(project, id)
  if (run.kind === kind && run.name === dataset) return run
  throw new MlforgeError(
    'not_found',
    `Dataset "${dataset}" has no ${WHAT[kind]} ${id}. Any run is at /v1/operations/${id}.`,
  )
}
