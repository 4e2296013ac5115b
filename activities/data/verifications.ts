import type {
  DamagedFile,
  ReportOutcome,
  VerificationReport,
  VerificationRequest,
  VerifiedObjects,
  VerifiedPacks,
  VerifyPacksInput,
} from '../../contracts/temporal/data-verification.js'
import type { RunInput } from '../../contracts/temporal/messages.js'
import type { Json } from '../../domain/canonical-json.js'
import { hasTable } from '../../stores/postgres/dataset-store.js'
import type { DatasetVersion } from '../../stores/postgres/entities/dataset.js'
import type { Selected } from '../../stores/postgres/verify-store.js'
import { beatWhile } from '../heartbeats.js'
import { json } from '../objects.js'
import type { Ports } from '../ports.js'
import { onceStep } from '../step.js'
import { packsFromObject } from './table-bytes.js'
import { damagedFiles, markWhole, verifyPack, type VerifyPorts } from './verify.js'
import { verifyDefinitions } from './verify-definitions.js'
import { type Seen, verifyRefs, verifyVersions } from './verify-objects.js'

type VerificationPorts = VerifyPorts &
  Pick<Ports, 'runs' | 'ledger' | 'wakes' | 'datasets' | 'refs' | 'ends' | 'definitions' | 'holds'>

/** Packs of one activity: of 16 MiB each, some minutes. */
const PACKS = 500
const VERSIONS = 100
/** Lost chunks that are looked for in files, and files that are named. */
const MOST_LOST = 100_000
const MOST_FILES = 10_000
/** Objects that are named in a history. */
const MOST_OBJECTS = 200
const FORGOTTEN = 50_000

export interface ReportInput extends RunInput, VerifiedObjects {
  readonly packs: number
  readonly bytes: number
  readonly damagedPacks: number
}

/** All that versions need is read, and what is damaged is healed or named. */
export function verificationActivities(ports: VerificationPorts) {
  const { runs, marks, verify } = ports

  const selectedBy = async ({ project, runId }: RunInput): Promise<Selected> => {
    const { dataset, version } = (await runs.get(project, runId)).request as VerificationRequest
    return { project, dataset, version }
  }

  return {
    /** Finds out which chunks versions need. */
    async markVersions(input: RunInput): Promise<{ done: true }> {
      return onceStep(ports, input, 'mark', () =>
        beatWhile('reading manifests', async signal => {
          await verify.markRoots(input.runId, await selectedBy(input))
          await markWhole(ports, input, signal)
          return { done: true as const }
        }),
      )
    },

    /** Reads the next packs that have some of them. */
    async verifySomePacks(input: VerifyPacksInput): Promise<VerifiedPacks> {
      const { project, runId, after } = input
      const work = () =>
        beatWhile('reading packs', async (signal): Promise<VerifiedPacks> => {
          const found = await verify.packs(runId, project, after, PACKS)
          let damaged = 0
          for (const pack of found) {
            signal.throwIfAborted()
            if (await verifyPack(ports, project, pack, signal)) damaged++
          }
          const bytes = found.reduce((sum, pack) => sum + pack.bytes, 0)
          const last = found.length < PACKS ? null : found.at(-1)!.id
          return { after: last, packs: found.length, bytes, damaged }
        })
      return onceStep(ports, input, `packs/${after}`, work, { hidden: true })
    },

    /** Reads commits, tables, and records of branches and tags, suites and transformations. */
    async verifyObjects(input: RunInput): Promise<VerifiedObjects> {
      return onceStep(ports, input, 'objects', () =>
        beatWhile('reading commits and tables', async signal => {
          const selected = await selectedBy(input)
          const seen: Seen = { objects: 0, damaged: [] }
          await verifyVersions(ports, selected, seen, signal)
          if (selected.dataset === null) {
            await verifyRefs(ports, input.project, seen, signal)
            await verifyDefinitions(ports, input.project, seen, signal)
          }
          return { ...seen, damaged: seen.damaged.slice(0, MOST_OBJECTS) }
        }),
      )
    },

    /** Says which files of which versions cannot be read. */
    async reportDamage({
      packs,
      bytes,
      damagedPacks,
      objects,
      damaged,
      ...input
    }: ReportInput): Promise<ReportOutcome> {
      return onceStep(ports, input, 'report', () =>
        beatWhile('naming damaged files', async signal => {
          const { project, runId } = input
          const selected = await selectedBy(input)
          const lost = () => verify.lost(runId, project, MOST_LOST)
          let { count, first } = await lost()
          if (count > 0 && (await restored(new Set(first), selected, signal)))
            ({ count, first } = await lost())
          const found = count === 0 ? [] : await filesWith(new Set(first), selected, signal)
          const files = found.slice(0, MOST_FILES)
          const report: VerificationReport = {
            packs,
            bytes,
            objects,
            damagedPacks,
            damagedObjects: damaged,
            lostChunks: count,
            files,
            complete: found.length === files.length && count === first.length,
          }
          const stored = await json(ports.objects, project, report as unknown as Json)
          return { lostChunks: count, damagedFiles: files.length, report: stored }
        }),
      )
    },

    /** What it has found out is needed no longer. */
    async forgetVerified({ runId }: RunInput): Promise<void> {
      await beatWhile('forgetting marks', async signal => {
        while (await marks.forget(runId, FORGOTTEN)) signal.throwIfAborted()
      })
    },
  }

  /** Puts lost chunks of tables into packs again. @returns whether there were some */
  async function restored(
    lost: ReadonlySet<string>,
    selected: Selected,
    signal: AbortSignal,
  ): Promise<boolean> {
    let isAny = false
    for await (const version of versionsOf(selected)) {
      signal.throwIfAborted()
      if (!hasTable(version) || version.manifest === null) continue
      const { done } = await damagedFiles(ports, selected.project, version.manifest, lost).next()
      if (done !== true && (await packsFromObject(ports, selected.project, version, signal))) isAny = true
    }
    return isAny
  }

  async function* versionsOf(selected: Selected): AsyncGenerator<DatasetVersion> {
    for (let after: string | null = null; ;) {
      const versions = await verify.versions(selected, after, VERSIONS)
      if (versions.length === 0) return
      after = versions.at(-1)!.id
      yield* versions
    }
  }

  async function filesWith(
    lost: ReadonlySet<string>,
    selected: Selected,
    signal: AbortSignal,
  ): Promise<DamagedFile[]> {
    const files: DamagedFile[] = []
    for await (const { dataset, version, manifest } of versionsOf(selected)) {
      if (manifest === null) continue
      for await (const file of damagedFiles(ports, selected.project, manifest, lost)) {
        signal.throwIfAborted()
        files.push({ dataset: dataset.name, version, ...file })
        if (files.length > MOST_FILES) return files
      }
    }
    return files
  }
}

export type VerificationActivities = ReturnType<typeof verificationActivities>
