import { join } from 'node:path'
import { Context } from '@temporalio/activity'
import type { CompactionResult } from '../contracts/temporal/compaction.js'
import { MlforgeError } from '../domain/errors.js'
import { type CompactionPolicy, planCompaction } from '../domain/predictions/compaction.js'
import { joinSegments } from '../domain/predictions/segment-ranges.js'
import { reasonOf } from '../domain/runs/reason.js'
import { mergePredictions } from '../stores/duckdb/predictions-merge.js'
import { derivedId, sha256Hex } from '../stores/ids.js'
import type { MergedFile } from '../stores/postgres/compaction-store.js'
import type { PredictionFile } from '../stores/postgres/entities/prediction.js'
import { beatWhile } from './heartbeats.js'
import { writeFile } from './objects.js'
import type { Ports } from './ports.js'
import { withScratch } from './scratch.js'

type CompactionPorts = Pick<Ports, 'compaction' | 'objects' | 'scratch'> & {
  readonly compactionPolicy: CompactionPolicy
  /** How long the objects of files that were replaced stay: longer than anybody reads. */
  readonly graceMs: number
}

/** A tick begins no merge after this; the largest takes seconds. */
const BUDGET_MS = 90_000

const MOST_DELETED = 1_000

interface Merge {
  readonly deployment: { readonly id: string; readonly name: string }
  readonly ids: readonly string[]
}

/**
 * Keeps the files of predictions few. An activity of its own schedule rather than a part of the
 * ingest: it may wait, be held back and be given to another worker, and what is ingested must not wait for it.
 * Killed at any point it leaves at most an object that nobody names.
 */
export function compactionActivities({ compactionPolicy: policy, graceMs, ...ports }: CompactionPorts) {
  const { compaction, objects, scratch } = ports

  /** Those first that take most files away. */
  const planned = async (project: string): Promise<Merge[]> => {
    const merges: Merge[] = []
    for (const deployment of await compaction.deployments(project)) {
      const plan = planCompaction(await compaction.files(deployment.id), policy, Date.now())
      merges.push(...plan.map(ids => ({ deployment, ids })))
    }
    return merges.toSorted((a, b) => b.ids.length - a.ids.length)
  }

  /** Null where somebody else has replaced one of the files. */
  const merge = async (project: string, ids: readonly string[], signal: AbortSignal) => {
    const sources = await compaction.sources(ids)
    if (sources === null) return null
    return withScratch(scratch, async directory => {
      const effectKey = `${project}/compact/${sha256Hex(JSON.stringify(ids.toSorted()))}`
      const file = join(directory, 'merged.parquet')
      const local: string[] = []
      for (const { uri } of sources) {
        signal.throwIfAborted()
        local.push(await objects.toFile(uri, directory))
      }
      const rows = await mergedRows(local, effectKey, file, { temporaryDirectory: directory, signal })
      const merged = { ...mergedFrom(sources), ...(await content(project, file)), rows, effectKey }
      return (await compaction.replace(ids, { ...merged, id: derivedId(effectKey) })) ? merged : null
    })
  }

  const content = async (project: string, file: string) => {
    const { uri, sha256, bytes } = await writeFile(objects, project, file)
    return { uri, sha256, bytes: String(bytes) }
  }

  return {
    /** Deletes what nobody reads any more, then merges files until all is done or its time is up. */
    async compactPredictions({ project }: { project: string }): Promise<CompactionResult> {
      return beatWhile('compacting prediction files', async signal => {
        const { log } = Context.current()
        const until = Date.now() + BUDGET_MS
        const deleted = await compaction.deleteReplaced(project, { graceMs, limit: MOST_DELETED }, uri =>
          objects.remove(uri),
        )
        const done = { merged: 0, into: 0, rows: 0, failed: 0, deleted }
        for (const { deployment, ids } of await planned(project)) {
          if (Date.now() >= until) break
          signal.throwIfAborted()
          const started = Date.now()
          try {
            const merged = await merge(project, ids, signal)
            if (merged === null) continue
            done.merged += ids.length
            done.into++
            done.rows += merged.rows
            const { rows, bytes } = merged
            const facts = { deployment: deployment.name, files: ids.length, rows, bytes: Number(bytes) }
            log.info('prediction files merged', { ...facts, seconds: (Date.now() - started) / 1000 })
          } catch (error) {
            // A file that is missing or damaged is named by a check; the others do not wait for it.
            if (!(error instanceof MlforgeError)) throw error
            done.failed++
            const { code, message } = error
            log.error('prediction files could not be merged', { deployment: deployment.name, code, message })
          }
        }
        return done
      })
    },
  }
}

export type CompactionActivities = ReturnType<typeof compactionActivities>

/** What DuckDB cannot do, such as for want of memory, is the matter of these files alone. */
async function mergedRows(...merge: Required<Parameters<typeof mergePredictions>>): Promise<number> {
  try {
    return await mergePredictions(...merge)
  } catch (error) {
    if (error instanceof MlforgeError || merge[3].signal?.aborted) throw error
    throw new MlforgeError('internal', reasonOf(error))
  }
}

/** What the catalogue says of a file with all that its sources hold. */
function mergedFrom(
  sources: readonly PredictionFile[],
): Omit<MergedFile, 'id' | 'uri' | 'sha256' | 'bytes' | 'rows' | 'effectKey'> {
  const numbers = (valueOf: (file: PredictionFile) => number) => sources.map(valueOf)
  const newest = (valueOf: (file: PredictionFile) => Date) =>
    new Date(Math.max(...numbers(file => valueOf(file).getTime())))
  return {
    deploymentId: sources[0]!.deploymentId,
    minEventTime: new Date(Math.min(...numbers(file => file.minEventTime.getTime()))),
    maxEventTime: newest(file => file.maxEventTime),
    minRevision: Math.min(...numbers(file => file.minRevision)),
    maxRevision: Math.max(...numbers(file => file.maxRevision)),
    segments: joinSegments(sources.flatMap(file => file.segments)),
    gaps: sources.flatMap(file => file.gaps),
    sources: numbers(file => file.sources).reduce((sum, count) => sum + count, 0),
    createdAt: newest(file => file.createdAt),
  }
}
