import type { EntityManager } from 'typeorm'
import type { RunFailure } from '../../contracts/temporal/messages.js'
import type { StepOutcome } from '../../contracts/temporal/pipelines.js'
import { stepsOfVersion, versionContent } from '../../domain/assets/data-version.js'
import type { AssetDefinition } from '../../domain/assets/definition.js'
import type { Json } from '../../domain/canonical-json.js'
import { MlforgeError } from '../../domain/errors.js'
import { generationOf } from '../../domain/pipelines/generations.js'
import { sha256Hex } from '../../stores/ids.js'
import type { EndedItem } from '../../stores/postgres/backfill-store.js'
import type { BackfillItem } from '../../stores/postgres/entities/backfill.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { outputsOf } from '../pipelines/read-step.js'
import type { BackfillPorts } from './backfills.js'

/** How an item has ended, and what it has given. */
export type ItemEnd =
  | { readonly item: BackfillItem; readonly run: Run; readonly dataSha256: string }
  | {
      readonly item: BackfillItem
      readonly state: 'failed' | 'cancelled'
      readonly error: RunFailure
    }

/** What an item whose run has ended comes to. Reads only; large outputs are objects. */
export async function seeEnd(
  ports: BackfillPorts,
  project: string,
  { item, run }: EndedItem,
): Promise<ItemEnd> {
  if (run.status !== 'succeeded') {
    const error = run.error ?? { code: run.status, message: `Run ${run.id} is ${run.status}.` }
    return { item, state: run.status === 'cancelled' ? 'cancelled' : 'failed', error }
  }
  try {
    return { item, run, dataSha256: await dataVersion(ports, project, item, run) }
  } catch (error) {
    if (!(error instanceof MlforgeError) || error.retryable) throw error
    const { code, message } = error
    return { item, state: 'failed', error: { code, message } }
  }
}

/** Writes the end of an item, and what it has made. */
export async function recordEnd(
  { assets, backfills }: BackfillPorts,
  transaction: EntityManager,
  { project, backfillId }: { readonly project: string; readonly backfillId: string },
  end: ItemEnd,
): Promise<void> {
  const { item } = end
  // Another look has been faster.
  if (!(await backfills.isStill(transaction, item))) return
  if ('state' in end) return backfills.end(transaction, item, end.state, { error: end.error })
  const { asset, partition } = item
  const { definitionVersion, shapeSha256, codeSha256, inputs } = item.madeFrom!
  await assets.materialise(transaction, {
    ...{ runId: end.run.id, project, asset, partition, definitionVersion, shapeSha256, codeSha256, inputs },
    dataSha256: end.dataSha256,
    backfillId,
  })
  await backfills.end(transaction, item, 'succeeded')
}

async function dataVersion(
  { assets, pipelineRuns, ledger, objects }: BackfillPorts,
  project: string,
  { asset, madeFrom }: BackfillItem,
  run: Run,
): Promise<string> {
  const definition: AssetDefinition = await assets.definition(project, asset, madeFrom!.definitionVersion)
  const pipeline = await pipelineRuns.definitionOf(run)
  const names = stepsOfVersion(definition, pipeline)
  const { generations = {} } = (await pipelineRuns.find(run.id)) ?? {}
  const rows = (await ledger.finished(run.id, names)).filter(
    ({ step, generation }) => generation === generationOf(generations, step),
  )
  const outputs = new Map<string, Readonly<Record<string, Json>>>()
  for (const { step, outcome } of rows) outputs.set(step, await outputsOf(objects, outcome as StepOutcome))
  const content = versionContent(definition, outputs)
  if (content !== null) return sha256Hex(content)
  throw new MlforgeError(
    'asset_output_missing',
    `Run ${run.id} has not given ${definition.output}, which the version of asset "${asset}" is the hash of: a branch has left it out. Name an output that is always there.`,
  )
}
