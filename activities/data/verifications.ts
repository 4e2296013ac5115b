import type {
  DamagedFile,
  MarkOutcome,
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
import { beatWhile, placeReached, type Reached } from '../heartbeats.js'
import { json } from '../objects.js'
import type { Ports } from '../ports.js'
import { onceStep } from '../step.js'
import { packsFromObject } from './table-bytes.js'
import { damagedFiles, markWhole, verifyPack, type VerifyPorts } from './verify.js'
import { type ObjectsPlace, SeenObjects } from './seen-objects.js'
import { verifyDefinitions } from './verify-definitions.js'
import { verifyVersions } from './verify-objects.js'
import { readRecords, removeOutdated, verifyBranches, verifyEnds } from './verify-records.js'

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

/** Packs of a part that were read and are whole, up to one. */
interface PacksPlace {
  readonly last: string
  readonly packs: number
  readonly bytes: number
}

/** Parts of a verification of everything: what is damaged and outdated is known at the end. */
const RECORDS = {
  refs: readRecords('refs'),
  branches: verifyBranches,
  ends: verifyEnds,
  definitions: readRecords('definitions'),
  defined: verifyDefinitions,
  outdated: removeOutdated,
} as const

export interface ReportInput extends RunInput, VerifiedObjects {
  readonly packs: number
  readonly bytes: number
  readonly damagedPacks: number
}

/** All that versions need is read, and what is damaged is healed or named. */
export function verificationActivities(ports: VerificationPorts) {
  const { runs, ledger, marks, verify, damages } = ports

  const selectedBy = async ({ project, runId }: RunInput): Promise<Selected> => {
    const { dataset, version } = (await runs.get(project, runId)).request as VerificationRequest
    return { project, dataset, version }
  }

  return {
    /** Finds out which chunks versions need. */
    async markVersions(input: RunInput): Promise<MarkOutcome> {
      return onceStep<MarkOutcome>(ports, input, 'mark', () =>
        beatWhile('reading manifests', async signal => {
          await damages.forget(input.runId)
          await verify.markRoots(input.runId, await selectedBy(input))
          await markWhole(ports, input, signal)
          return { done: true, newestPack: await verify.newestPack(input.project) }
        }),
      )
    },

    /** Reads the next packs that have some of them. */
    async verifySomePacks(input: VerifyPacksInput): Promise<VerifiedPacks> {
      const { project, runId, after } = input
      const work = () =>
        beatWhile('reading packs', async (signal, reached: Reached<PacksPlace>): Promise<VerifiedPacks> => {
          const mark = await ledger.outcome<MarkOutcome>({ ...input, step: 'mark' })
          const found = await verify.packs(runId, project, { after, newest: mark?.newestPack ?? null }, PACKS)
          const last = found.length < PACKS ? null : found.at(-1)!.id
          // Those that an attempt before this one has healed, of which rows may be gone.
          const noted = new Set((await damages.packs(runId, after, last)).map(({ id }) => id))
          let place = placeReached<PacksPlace>() ?? { last: after, packs: 0, bytes: 0 }
          for (const pack of found.filter(({ id }) => BigInt(id) > BigInt(place.last))) {
            signal.throwIfAborted()
            const isDamaged = (await verifyPack(ports, input, pack, signal)) || noted.has(pack.id)
            const whole = isDamaged ? { packs: 0, bytes: 0 } : { packs: 1, bytes: pack.bytes }
            place = {
              last: pack.id,
              packs: place.packs + whole.packs,
              bytes: place.bytes + whole.bytes,
            }
            reached(place)
          }
          const damaged = await damages.packs(runId, after, last)
          const bytes = damaged.reduce((sum, pack) => sum + pack.bytes, place.bytes)
          return { after: last, packs: place.packs + damaged.length, bytes, damaged: damaged.length }
        })
      return onceStep(ports, input, `packs/${after}`, work, { hidden: true })
    },

    /** Reads commits, tables, and records of branches and tags, suites and transformations. */
    async verifyObjects(input: RunInput): Promise<VerifiedObjects> {
      return onceStep(ports, input, 'objects', () =>
        beatWhile('reading commits and tables', async (signal, reached: Reached<ObjectsPlace>) => {
          const selected = await selectedBy(input)
          const seen = new SeenObjects(damages, input.runId, placeReached(), reached)
          for (const part of seen.left) {
            if (part === 'versions') await verifyVersions(ports, selected, seen, signal)
            else if (selected.dataset === null) await RECORDS[part](ports, input.project, seen, signal)
          }
          const damaged = (await damages.objects(input.runId)).slice(0, MOST_OBJECTS)
          return {
            objects: seen.objects,
            damaged: damaged.map(({ what, uri, healed }) => ({ what, uri, healed })),
          }
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
        await damages.forget(runId)
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
