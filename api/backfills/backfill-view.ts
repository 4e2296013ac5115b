import type { Config } from '../../config/config.js'
import type {
  Backfill,
  BackfillAsset,
  BackfillItem,
  BackfillSummary,
  ItemCounts,
} from '../../contracts/rest/backfills.js'
import type { BackfillLive, BackfillRequest } from '../../contracts/temporal/backfills.js'
import { selectionView } from '../../domain/assets/selection.js'
import type { BackfillItem as Item } from '../../stores/postgres/entities/backfill.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { operationView, problemView } from '../runs/run-view.js'

export function backfillSummary(run: Run, temporal: Config['temporal'], counts: ItemCounts): BackfillSummary {
  const { assets, upstream, parallel, onFailure, force, items } = run.request as BackfillRequest
  return {
    ...operationView(run, temporal),
    assets: [...assets],
    ...{ upstream, parallel, onFailure, force, items, counts },
  }
}

export function backfillView(
  summary: BackfillSummary,
  run: Run,
  byAsset: readonly BackfillAsset[],
  live: BackfillLive | null,
): Backfill {
  const { paused = null } = live ?? {}
  return {
    ...summary,
    partitions: selectionView((run.request as BackfillRequest).selection),
    byAsset: [...byAsset],
    seconds: secondsOf(run),
    paused: paused && { by: paused.by, reason: paused.reason },
    page: `/v1/backfills/${run.id}/page`,
  }
}

function secondsOf({ startedAt, endedAt }: Run): number | null {
  return startedAt && ((endedAt?.getTime() ?? Date.now()) - startedAt.getTime()) / 1000
}

export function itemView(item: Item): BackfillItem {
  const { position, asset, partition, needs, state, child, note, startedAt, endedAt } = item
  return {
    ...{ position, asset, partition, state, note },
    needs: [...needs],
    runId: child,
    error: problemView(item),
    startedAt: startedAt?.toISOString() ?? null,
    endedAt: endedAt?.toISOString() ?? null,
  }
}
