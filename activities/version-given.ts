import type { PipelineRunRequest } from '../contracts/temporal/pipelines.js'
import type { Run } from '../stores/postgres/entities/run.js'
import { newestOutputs } from './pipelines/read-step.js'
import type { Ports } from './ports.js'

/**
 * The version that a run has registered: its result says it, or a step of a pipeline that retrains. Null for a
 * run that gives none.
 */
export async function versionGiven(
  ports: Pick<Ports, 'ledger' | 'objects'>,
  { id, kind, request, result }: Run,
): Promise<number | null> {
  if (kind !== 'pipeline') return ((result ?? {}) as { version?: number }).version ?? null
  const { retrains } = request as PipelineRunRequest
  if (!retrains) return null
  const { model, version } = (await newestOutputs(ports, id, [retrains.step])).get(retrains.step) ?? {}
  return model === retrains.model && typeof version === 'number' ? version : null
}
