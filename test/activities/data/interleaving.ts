import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkFiles } from '../../../activities/data/check-files.js'
import { markLive, planPacks, removeObjects, repack, sweepRows } from '../../../activities/data/collect.js'
import { keepOf } from '../../../activities/data/keep-files.js'
import { buildManifest, contentOf } from '../../../domain/data/build.js'
import { filesOf } from '../../../domain/data/walk.js'
import { MlforgeError } from '../../../domain/errors.js'
import type { Piece } from '../../../packing/messages.js'
import { makePack } from '../../../packing/make-pack.js'
import { Packing } from '../../../packing/packing.js'
import { sha256Hex, uuidv7 } from '../../../stores/ids.js'
import { LocalObjectStore } from '../../../stores/objects/local-object-store.js'
import { PackStore } from '../../../stores/packs/pack-store.js'
import { CollectionStore } from '../../../stores/postgres/collection-store.js'
import { DatasetStore } from '../../../stores/postgres/dataset-store.js'
import { PublishStore } from '../../../stores/postgres/publish-store.js'
import type { DatasetVersion } from '../../../stores/postgres/entities/dataset.js'
import type { Run } from '../../../stores/postgres/entities/run.js'
import { MarkStore } from '../../../stores/postgres/mark-store.js'
import { PackCatalogue } from '../../../stores/postgres/pack-catalogue.js'
import { PackHolds } from '../../../stores/postgres/pack-holds.js'
import { PackObjects } from '../../../stores/postgres/pack-objects.js'
import { RetentionStore } from '../../../stores/postgres/retention-store.js'
import { RunStore } from '../../../stores/postgres/run-store.js'
import { SweepStore } from '../../../stores/postgres/sweep-store.js'
import { TransferStore } from '../../../stores/postgres/transfer-store.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'

/** One step of somebody's work. Dropped between two, it is killed. */
export type Work = AsyncGenerator<void, void>

/** The stores of a real server, and the work of those who push and of those who collect, step by step. */
export class Interleaving {
  readonly name = 'files'
  readonly contents = Array.from({ length: 10 }, (_, i) => randomBytes(120 + i * 20))
  private projects = 0

  private constructor(
    readonly database: TestDatabase,
    private readonly directory: string,
    readonly ports: ReturnType<typeof portsOf>,
  ) {}

  static async start(): Promise<Interleaving> {
    const database = await testDatabase()
    const directory = await mkdtemp(join(tmpdir(), 'mlforge-interleaving-'))
    return new Interleaving(database, directory, portsOf(database, directory))
  }

  async stop(): Promise<void> {
    await this.ports.packing.close()
    await this.database.drop()
    await rm(this.directory, { recursive: true, force: true })
  }

  /** Where nobody has done anything yet. Its dataset keeps the newest version of each branch. */
  async project(): Promise<string> {
    const project = `p${++this.projects}`
    await this.database.dataSource.query(
      `INSERT INTO datasets (id, project, name, created_at, retention) VALUES ($1, $2, $3, now(), $4)`,
      [uuidv7(), project, this.name, JSON.stringify({ keepLast: 1, keepDays: 0, keepTagged: true })],
    )
    return project
  }

  /**
   * A push of some files: asked for, sent, and made a version; where something was removed, again.
   * @param lapses true: before its version is made nobody knows of it any more, and nothing is kept for it
   */
  async *push(project: string, files: readonly number[], branch: string, lapses: boolean): Work {
    const { catalogue, transfers, objects } = this.ports
    const { manifest, entries, pieces } = this.tree(files)
    const base = await this.headOf(project, branch)
    const run = await this.accept(project, 'push', {}, { base })
    yield
    try {
      for (let tries = 0; tries < 6; tries++) {
        try {
          const missing = new Set(await catalogue.missing(project, [...pieces.keys()], run.id))
          yield
          // Half of them in a pack each, so that packs are shared in part.
          const wanted = [...missing].map(sha256 => pieces.get(sha256)!)
          const half = Math.ceil(wanted.length / 2)
          for (const group of [wanted.slice(0, half), wanted.slice(half)]) {
            if (group.length === 0) continue
            const pack = makePack(group)
            await objects.write(project, pack.content, { kind: 'packs', sha256: pack.sha256 })
            yield
            await transfers.receive(run.id, project, { ...pack, bytes: pack.content.length }, objects)
            yield
          }
          await catalogue.markVerified((await catalogue.unverified(run.id, 100)).map(({ id }) => id))
          yield
          const bytes = entries.reduce((sum, each) => sum + each.bytes, 0)
          const request = { manifest, files: entries.length, bytes, base }
          const input = { project, name: this.name, runId: run.id }
          await this.ports.holds.drop(run.id)
          const { packs } = await checkFiles(this.ports, input, request)
          if (lapses) await this.close(run)
          yield
          await this.commit(run, { ...request, branch, packs: packs! })
          return
        } catch (error) {
          const code = error instanceof MlforgeError ? error.code : null
          if (code === 'branch_moved') return
          if (code !== 'chunks_missing' && code !== 'unavailable') throw error
        }
        await this.reopen(run)
        yield
      }
    } finally {
      await this.close(run)
    }
  }

  /**
   * A collection that executes at once, and does not wait.
   * @param twice true: each step is done again, as by a worker that was killed before it could say so
   */
  async *collect(project: string, twice = false): Work {
    const { collections, retention, sweep } = this.ports
    const run = await this.accept(project, 'collection', { execute: true, planId: null }, null)
    const { id: runId } = run
    yield
    try {
      const collecting = await collections.beginEpoch(runId, project)
      yield
      const steps: (() => Promise<unknown>)[] = [
        async () => {
          const candidates = await retention.candidates(project)
          await retention.plan(
            runId,
            candidates.map(({ id }) => id),
          )
        },
        async () => {
          const planned = await retention.planned(runId)
          for (const datasetId of new Set(planned.map(each => each.datasetId))) {
            await retention.retire(runId, datasetId)
          }
        },
        () => markLive(this.ports, collecting, []),
        () => planPacks(this.ports, collecting, { planId: null, olderThanMs: later() }),
        () => repack(this.ports, collecting),
        () => sweep.doom(collecting),
        () => sweepRows(this.ports, collecting, 0),
        () => removeObjects(this.ports, collecting, later()),
      ]
      for (const step of steps) {
        await step()
        if (twice) {
          yield
          await step()
        }
        yield
      }
    } catch (error) {
      // Another one has begun.
      if (!(error instanceof MlforgeError) || error.code !== 'wrong_state') throw error
    } finally {
      await this.close(run)
    }
  }

  /** Reads every version that is kept, and compares it with what was pushed. @returns how many these are */
  async readAll(project: string): Promise<number> {
    const { packs } = this.ports
    const versions = await this.kept(project)
    for (const { manifest, version } of versions) {
      for await (const file of filesOf(sha256 => packs.load(project, sha256), manifest!)) {
        const parts: Uint8Array[] = []
        for await (const part of packs.file(project, file)) parts.push(part)
        const expected = this.fileContent(Number(file.path))
        if (!Buffer.concat(parts).equals(expected))
          throw new Error(`${file.path} of version ${version} is another`)
      }
    }
    return versions.length
  }

  /** Versions that can be read, the oldest first. */
  async kept(project: string): Promise<DatasetVersion[]> {
    const found = await this.ports.datasets.versions(project, this.name, { limit: 200 })
    return found.items.filter(({ retiredAt }) => retiredAt === null).toReversed()
  }

  async objectsOf(project: string): Promise<number> {
    return (await this.ports.objects.list(project, 'packs', { limit: 1_000 })).length
  }

  private tree(files: readonly number[]) {
    const pieces = new Map<string, Piece>()
    const keep = (content: Uint8Array): string => {
      const sha256 = sha256Hex(content)
      pieces.set(sha256, { sha256, bytes: content.length, from: { content } })
      return sha256
    }
    const entries = [...new Set(files)]
      .sort((a, b) => a - b)
      .map(file => {
        const chunks = this.partsOf(file).map(content => ({ chunk: keep(content), bytes: content.length }))
        return {
          path: String(file),
          bytes: chunks.reduce((sum, { bytes }) => sum + bytes, 0),
          isExecutable: false,
          content: contentOf(chunks, keep),
        }
      })
    return { entries, manifest: buildManifest(entries, keep), pieces }
  }

  /** Files of one chunk, and of two that others have too. */
  private partsOf(file: number): Buffer[] {
    const { contents } = this
    const one = contents[file % contents.length]!
    return file < contents.length ? [one] : [one, contents[(file + 3) % contents.length]!]
  }

  private fileContent(file: number): Buffer {
    return Buffer.concat(this.partsOf(file))
  }

  private async commit(
    run: Run,
    push: {
      readonly manifest: string
      readonly files: number
      readonly bytes: number
      readonly base: number | null
      readonly branch: string
      readonly packs: number
    },
  ): Promise<void> {
    const { datasets, transfers } = this.ports
    const { manifest, files, bytes, base, branch } = push
    const keep = keepOf(this.ports, { project: run.project, name: this.name, runId: run.id }, push)
    const made = await this.database.dataSource.transaction(async transaction => {
      const { version } = await datasets.commit(transaction, run.project, this.name, {
        root: manifest,
        files: { manifest, files, bytes },
        table: null,
        branch,
        base,
        message: null,
        author: null,
        principal: 'key:test',
        runId: run.id,
        effectKey: `${run.id}/commit/g1`,
      })
      await keep(transaction)
      await transfers.release(run.id, transaction)
      return version
    })
    // As if it had been published.
    await new PublishStore(this.database.dataSource).published(
      this.database.dataSource.manager,
      made.id,
      sha256Hex(made.id),
    )
  }

  private async headOf(project: string, branch: string): Promise<number | null> {
    const [row]: { version: number }[] = await this.database.dataSource.query(
      `SELECT r.version FROM data_refs r JOIN datasets d ON d.id = r.dataset_id
       WHERE d.project = $1 AND r.name = $2`,
      [project, branch],
    )
    return row?.version ?? null
  }

  private async accept(
    project: string,
    kind: 'push' | 'collection',
    request: object,
    push: object | null,
  ): Promise<Run> {
    const { runs, transfers, collections } = this.ports
    const { run } = await runs.accept({
      project,
      kind,
      name: this.name,
      request: { ...request, ...push },
      principal: 'key:test',
      trigger: 'api',
      retryPolicy: { codes: [], maxAttempts: 1, delaySeconds: 1 },
      startedByCaller: true,
      alongside: (transaction, accepted) =>
        kind === 'push'
          ? transfers.open(transaction, accepted)
          : collections.open(transaction, accepted, null),
    })
    return run
  }

  /** As a retry does. */
  private async reopen({ id }: Run): Promise<void> {
    const { dataSource } = this.database
    await dataSource.query(`UPDATE runs SET status = 'running' WHERE id = $1`, [id])
    await dataSource.query(
      `UPDATE data_transfers SET expires_at = now() + interval '1 hour' WHERE run_id = $1`,
      [id],
    )
  }

  /** The run has ended, by itself or with whoever was killed, and its time is over. */
  private async close({ id }: Run): Promise<void> {
    const { dataSource } = this.database
    await dataSource.query(`UPDATE runs SET status = 'failed' WHERE id = $1`, [id])
    await dataSource.query(
      `UPDATE data_transfers SET expires_at = now() - interval '1 hour' WHERE run_id = $1`,
      [id],
    )
  }
}

/** Objects that were written up to now are old enough. */
const later = (): number => Date.now() + 60_000

function portsOf({ dataSource }: TestDatabase, directory: string) {
  const objects = new LocalObjectStore(directory)
  const catalogue = new PackCatalogue(dataSource)
  return {
    objects,
    catalogue,
    packs: new PackStore(objects, catalogue),
    packing: new Packing({ threads: 1 }),
    datasets: new DatasetStore(dataSource),
    transfers: new TransferStore(dataSource),
    holds: new PackHolds(dataSource),
    packObjects: new PackObjects(dataSource),
    collections: new CollectionStore(dataSource),
    marks: new MarkStore(dataSource),
    sweep: new SweepStore(dataSource),
    retention: new RetentionStore(dataSource),
    runs: new RunStore(dataSource, () => undefined),
  }
}
