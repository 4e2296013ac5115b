import type { ItemState } from '../assets/items.js'
import { isOpen } from '../runs/run-status.js'
import type { CheckProblem, StackFacts } from './facts.js'

/** Rows of assets, as a check reads them. */
export interface AssetCheckFacts {
  readonly materialisations: readonly {
    readonly runId: string
    readonly asset: string
    readonly partition: string
    readonly backfillId: string
  }[]
  readonly backfillItems: readonly {
    readonly runId: string
    readonly position: number
    readonly asset: string
    readonly partition: string
    readonly state: ItemState
    readonly child: string | null
  }[]
}

/**
 * Items of backfills, the runs that make them and what was made say the same: an item that has succeeded has its
 * run and its materialisation, each once, and a backfill that has ended has none that is being made.
 */
export function checkAssets(facts: StackFacts): CheckProblem[] {
  const runs = new Map(facts.runs.map(run => [run.id, run]))
  const made = new Map(facts.materialisations.map(each => [each.runId, each]))
  const makers = new Map<string, number>()
  const problems: CheckProblem[] = []
  for (const { runId, position, asset, partition, state, child } of facts.backfillItems) {
    const at = `${runId}/${position}`
    const backfill = runs.get(runId)
    if (state === 'running' && backfill && !isOpen(backfill.status)) {
      const message = `The partition is being made by a backfill that is ${backfill.status}. Retry the backfill.`
      problems.push({ code: 'backfill_item_not_closed', at, message })
    }
    if (state !== 'succeeded') continue
    const run = child === null ? undefined : runs.get(child)
    if (child !== null) makers.set(child, (makers.get(child) ?? 0) + 1)
    const found = child === null ? undefined : made.get(child)
    if (run?.status !== 'succeeded') {
      const message = `The partition was made by run ${child}, which is ${run?.status ?? 'not there'}. Restore a backup.`
      problems.push({ code: 'materialisation_without_run', at, message })
    }
    if (!found || found.asset !== asset || found.partition !== partition || found.backfillId !== runId) {
      const message = `Run ${child} has made the partition, and ${found ? 'something else' : 'nothing'} is written of it. Restore a backup.`
      problems.push({ code: 'materialisation_missing', at, message })
    }
  }
  for (const { runId, backfillId } of facts.materialisations) {
    const count = makers.get(runId) ?? 0
    if (count === 1) continue
    const message = `${count} partitions of backfill ${backfillId} have succeeded by this run; it must be one. Restore a backup.`
    problems.push({ code: 'materialisation_without_run', at: runId, message })
  }
  return problems
}
