import type {
  CollectionRequest,
  PlanOutcome,
  RemoveReport,
  SweepReport,
} from '../../contracts/temporal/data-collection.js'
import type { RunInput } from '../../contracts/temporal/messages.js'
import type { Collecting } from '../../stores/postgres/sweep-store.js'
import { beatWhile } from '../heartbeats.js'
import type { Ports } from '../ports.js'
import { onceStep } from '../step.js'
import { planTables, removeTables } from './collect-tables.js'
import { type CollectPorts, markLive, planPacks, removeObjects, repack, sweepRows } from './collect.js'
import { assertVersionsKnown } from './known-versions.js'

type CollectionPorts = CollectPorts &
  Pick<Ports, 'runs' | 'ledger' | 'wakes' | 'verify' | 'collections' | 'retention' | 'tableObjects'> & {
    /** How long what nothing needs stays. */
    readonly graceMs: number
  }

/** Marks that are forgotten by one statement. */
const FORGOTTEN = 50_000

/** What no version needs is found, shown and removed. Each of these may be killed, and is done again. */
export function collectionActivities({ graceMs, ...ports }: CollectionPorts) {
  const { runs, collections, retention, marks, sweep } = ports

  const requestOf = async ({ project, runId }: RunInput) =>
    (await runs.get(project, runId)).request as CollectionRequest

  const collectingOf = async ({ project, runId }: RunInput): Promise<Collecting> =>
    collections.beginEpoch(runId, project)

  /** Which versions are not kept; of a plan that is executed those that it has shown. */
  const versionsOf = async ({ project, runId }: RunInput, planId: string | null) => {
    const found = planId === null ? await retention.candidates(project) : await retention.planned(planId)
    await retention.plan(
      runId,
      found.map(({ id }) => id),
    )
    return retention.planned(runId)
  }

  return {
    /**
     * Says what would be removed; where it is to be executed, the epoch begins and versions are retired first.
     * What is marked stays marked when it is tried again.
     */
    async planCollection(input: RunInput): Promise<PlanOutcome> {
      return onceStep(ports, input, 'plan', () =>
        beatWhile('looking for what nothing needs', async signal => {
          const { runId } = input
          const { execute, planId } = await requestOf(input)
          await assertVersionsKnown(ports, input.project, signal)
          await marks.forgetEnded(FORGOTTEN)
          if (execute) await collectingOf(input)
          const versions = await versionsOf(input, planId)
          let retired = 0
          if (execute) {
            for (const datasetId of new Set(versions.map(each => each.datasetId))) {
              retired += await retention.retire(runId, datasetId)
            }
          }
          const without = execute ? [] : versions.map(({ id }) => id)
          await markLive(ports, input, without, signal)
          const olderThanMs = Date.now() - graceMs
          const packs = await planPacks(ports, input, { planId, olderThanMs })
          const tables = await planTables(ports, { project: input.project, olderThanMs }, without, signal)
          const plan = { versions: execute ? retired : versions.length, ...packs, ...tables }
          if (!execute) await forgetMarks(runId, signal)
          return async transaction => {
            await collections.planned(runId, plan, transaction)
            return { ...plan, graceSeconds: graceMs / 1000, executes: execute }
          }
        }),
      )
    },

    /** Writes what is needed of packs with little of it into new ones. */
    async repackChunks(input: RunInput): Promise<{ packs: number }> {
      return onceStep(ports, input, 'repack', () =>
        beatWhile('packing anew', async signal => ({ packs: await repack(ports, input, signal) })),
      )
    },

    /** From now on packs that nothing needs count for nobody, unless they are taken up. */
    async doomPacks(input: RunInput): Promise<{ packs: number }> {
      return onceStep(ports, input, 'doom', async () => ({
        packs: await sweep.doom(await collectingOf(input)),
      }))
    },

    /** Forgets doomed packs that nobody has taken up. */
    async sweepPacks(input: RunInput): Promise<SweepReport> {
      return onceStep(ports, input, 'sweep', () =>
        beatWhile('sweeping', async signal => {
          await sweepRows(ports, await collectingOf(input), graceMs, signal)
          return sweep.report(input.runId)
        }),
      )
    },

    /** Removes objects that no pack is any more, or never was, and those of tables that nothing needs. */
    async removePackObjects(input: RunInput): Promise<RemoveReport> {
      return beatWhile('removing objects', async signal => {
        const olderThanMs = Date.now() - graceMs
        const packs = await removeObjects(ports, input, olderThanMs, signal)
        const tables =
          packs === null ? null : await removeTables(ports, { project: input.project, olderThanMs }, signal)
        if (packs === null || tables === null) return { removed: 0, blocked: true }
        await forgetMarks(input.runId, signal)
        return { removed: packs + tables, blocked: false }
      })
    },
  }

  async function forgetMarks(runId: string, signal: AbortSignal): Promise<void> {
    while (await marks.forget(runId, FORGOTTEN)) signal.throwIfAborted()
  }
}

export type CollectionActivities = ReturnType<typeof collectionActivities>
