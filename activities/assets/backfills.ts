import type { RunFailure, RunInput } from '../../contracts/temporal/messages.js'
import type { AdvanceInput, AdvanceReport, BackfillRequest } from '../../contracts/temporal/backfills.js'
import { partitionName } from '../../domain/assets/describe.js'
import type { RetryPolicy } from '../../domain/runs/retry-policy.js'
import { awaitChange } from '../await-change.js'
import { cancelRuns } from '../cancel-runs.js'
import { beatWhile } from '../heartbeats.js'
import type { Ports } from '../ports.js'
import { beginItems } from './begin-items.js'
import { type ItemEnd, recordEnd, seeEnd } from './end-items.js'

export type BackfillPorts = Pick<
  Ports,
  | 'runs'
  | 'ledger'
  | 'pipelines'
  | 'datasets'
  | 'suites'
  | 'pipelineRuns'
  | 'objects'
  | 'assets'
  | 'backfills'
  | 'workflows'
  | 'wakes'
> & {
  readonly retryPolicy: RetryPolicy
}

/** Items that one look takes on or brings to their end: it is one transaction. */
const AT_ONCE = 50
/** A look asks Postgres one thing, and an item may take a second. */
const LOOK_EVERY_SECONDS = 0.5

/** What a backfill does with its items. Runs of pipelines make them. */
export function backfillActivities(ports: BackfillPorts) {
  const { runs, backfills, wakes } = ports

  return {
    /**
     * Brings the items forward, in one transaction: those whose runs have ended are recorded, with what they
     * have made, and others are begun. However often it is called, each item is made once.
     */
    async advanceBackfill(input: AdvanceInput): Promise<AdvanceReport> {
      const { project, runId, attempt, mode } = input
      return beatWhile('items', async () => {
        const { parallel, onFailure, force } = (await runs.get(project, runId)).request as BackfillRequest
        const ended = await backfills.ended(runId, AT_ONCE)
        const ends: ItemEnd[] = []
        for (const each of ended) ends.push(await seeEnd(ports, project, each))
        const report = await backfills.changing(runId, attempt, async transaction => {
          for (const end of ends) await recordEnd(ports, transaction, { project, backfillId: runId }, end)
          if (mode === 'stop') await backfills.stop(transaction, runId)
          await backfills.block(transaction, runId, false)
          if (onFailure === 'stop' && (await backfills.firstFailed(runId, transaction))) {
            await backfills.block(transaction, runId, true)
          }
          const more =
            mode === 'go' &&
            (await beginItems(ports, transaction, {
              ...{ project, runId, parallel, force },
              limit: AT_ONCE,
            }))
          await backfills.block(transaction, runId, false)
          const counts = await backfills.counts(runId, transaction)
          const first = await backfills.firstFailed(runId, transaction)
          const failure: RunFailure | null = first && {
            code: first.error?.code ?? 'cancelled',
            message: `${partitionName(first.asset, first.partition)}: ${first.error?.message ?? first.state}`,
            details: { asset: first.asset, partition: first.partition, run: first.child },
          }
          return { counts, more: more || ended.length === AT_ONCE, failure }
        })
        wakes.publish(runId)
        return report
      })
    },

    /** Ends when the run of an item has. */
    async awaitBackfill({ runId, limits }: RunInput): Promise<void> {
      await awaitChange(async () => String(await backfills.isDue(runId)), 'false', {
        ...limits,
        lookEverySeconds: LOOK_EVERY_SECONDS,
      })
    },

    /** Asks the runs of all items that are being made to stop. */
    async cancelItems({ project, runId }: RunInput): Promise<void> {
      await beatWhile('cancelling', async () => cancelRuns(ports, project, await backfills.children(runId)))
    },
  }
}

export type BackfillActivities = ReturnType<typeof backfillActivities>
