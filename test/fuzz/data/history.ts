import { readFile } from 'node:fs/promises'
import { bikeTable, months } from '../../../examples/bike-sharing/bike.js'
import type { Page } from '../../../contracts/rest/common.js'
import type { DataCollection, DataVerification } from '../../../contracts/rest/data-collection.js'
import type { DatasetCommit, DatasetVersion } from '../../../contracts/rest/datasets.js'
import type { Training } from '../../../contracts/rest/trainings.js'
import { until } from '../../../infra/launcher/proc.js'
import { Refused, Rest } from '../../../sdk/rest.js'
import { sha256Hex } from '../../../stores/ids.js'
import { LocalObjectStore } from '../../../stores/objects/local-object-store.js'
import { all } from '../../kill/all.js'
import type { PatientClient } from '../../kill/client.js'
import type { KillStack } from '../../kill/stack.js'
import { kill } from '../../kill/strike.js'
import { trainingOf } from '../../kill/training/scenario.js'
import { VersionReader } from './look.js'
import { Random } from './random.js'

/** Of each branch; everything else goes unless something names it. */
const KEPT = 3
const ROUNDS = 20
/** Rows that a version has lost against the one before. */
const STEP = 7
const VICTIMS = ['worker-io', 'worker-workflows', 'api'] as const
const QUIET_MS = 240_000
const PAGE = 200

export interface HistoryCase {
  readonly seed: number
  readonly versions: number
  readonly trainings: number
}

export interface PlayedHistory {
  readonly problems: readonly string[]
  /** What was done, for whoever reads results. */
  readonly did: string
}

/** A dataset whose old versions are collected without a pause while new ones come and models are trained on any. */
export class History {
  private readonly random: Random
  private readonly trained: { readonly version: number; readonly ended: Promise<Training> }[] = []
  private readonly struck: string[] = []
  private readonly csvs = new Map<number, string>()
  private removed = 0
  private collections = 0
  private tooLate = 0

  private constructor(
    private readonly stack: KillStack,
    private readonly client: PatientClient,
    private readonly rest: Rest,
    private readonly dataset: string,
    private readonly given: HistoryCase,
    private readonly lines: { readonly header: string; readonly rows: readonly string[] },
  ) {
    this.random = new Random(given.seed)
  }

  static async play(stack: KillStack, given: HistoryCase, dataset: string): Promise<PlayedHistory> {
    const [header = '', ...rows] = months(await bikeTable(), 2011, 1, 10)
      .trimEnd()
      .split('\n')
    const { api, keyFile } = stack.endpoints()
    const rest = new Rest(api, (await readFile(keyFile, 'utf8')).trim())
    const history = new History(stack, await stack.client(), rest, dataset, given, { header, rows })
    await history.commit(1)
    await history.client.put(`/v1/datasets/${dataset}/retention`, {
      retention: { keepLast: KEPT, keepDays: 0, keepTagged: true },
    })
    let isOver = false
    await all([
      history.grow().finally(() => (isOver = true)),
      (async () => {
        while (!isOver) await history.collect()
      })(),
    ])
    return history.end()
  }

  /** The other versions, with trainings and kills at moments that the seed decides. */
  private async grow(): Promise<void> {
    const { versions, trainings } = this.given
    const trainAt = new Set<number>()
    while (trainAt.size < Math.min(trainings, versions - 1)) trainAt.add(this.random.between(2, versions))
    const killAt = new Map(VICTIMS.map(victim => [this.random.between(2, versions), victim]))
    for (let version = 2; version <= versions; version++) {
      const victim = killAt.get(version)
      const [, pid] = await all([
        this.commit(version),
        victim === undefined ? Promise.resolve(0) : kill(this.stack, victim),
      ])
      if (pid > 0) this.struck.push(`${victim} at version ${version}`)
      if (trainAt.has(version)) await this.train(version)
    }
    await all(this.trained.map(({ ended }) => ended))
  }

  private async commit(version: number): Promise<void> {
    const { client, dataset, lines } = this
    const csv = `${[lines.header, ...lines.rows.slice((version - 1) * STEP)].join('\n')}\n`
    this.csvs.set(version, csv)
    const upload = await client.upload(csv, () => Promise.resolve())
    const path = `/v1/datasets/${dataset}`
    const body = { upload: upload.id, columns: { dteday: { type: 'date', format: '%m/%d/%Y' } } }
    const { id } = await client.post<DatasetCommit>(`${path}/versions`, body, `${dataset}-${version}`)
    const run = await client.follow<DatasetCommit>(`${path}/commits/${id}`)
    if (run.version !== version)
      throw new Error(`Version ${version} became ${run.version}: ${run.error?.message}`)
  }

  /** On a version that may be about to go: one that was taken on has its data to the end. */
  private async train(newest: number): Promise<void> {
    const { client, dataset } = this
    const wanted = [this.random.between(Math.max(1, newest - 2 * KEPT), newest), newest]
    for (const version of wanted) {
      const body = { ...trainingOf(dataset, dataset, ROUNDS), dataset: { name: dataset, version } }
      try {
        const key = `${dataset}-train-${newest}-${version}`
        const { id } = await client.post<Training>('/v1/trainings', body, key)
        const ended = client.follow<Training>(`/v1/trainings/${id}`)
        // What it throws is said when all have ended.
        ended.catch(() => undefined)
        this.trained.push({ version, ended })
        return
      } catch (error) {
        if (!(error instanceof Refused && error.problem.code === 'version_retired')) throw error
        this.tooLate++
      }
    }
    throw new Error(`The newest version, ${newest}, is retired.`)
  }

  private async collect(): Promise<void> {
    const { client, dataset } = this
    const key = `${dataset}-collection-${++this.collections}`
    const { id } = await client.post<DataCollection>('/v1/data/collections', { execute: true }, key)
    const { status, error, removed } = await client.follow<DataCollection>(`/v1/data/collections/${id}`)
    if (status !== 'succeeded') throw new Error(`A collection is ${status}: ${error?.message}`)
    this.removed += removed?.packs ?? 0
  }

  private async end(): Promise<PlayedHistory> {
    const trainings = await all(this.trained.map(({ ended }) => ended))
    const { versions } = this.given
    const newest = Array.from({ length: Math.min(KEPT, versions) }, (_, at) => versions - at)
    const expected = [...new Set([...newest, ...this.trained.map(({ version }) => version)])].toSorted(
      (a, b) => a - b,
    )
    await this.stack.settled()
    await until(async () => (await this.kept()).join() === expected.join(), QUIET_MS, 1_000)
    const kept = await this.kept()
    const retired = versions - kept.length
    const did =
      `${versions} versions, ${retired} retired, ${this.trained.length} trainings (${this.tooLate} asked for what had gone), ` +
      `${this.collections} collections removed ${this.removed} packs; killed ${this.struck.join(', ')}`
    const problems = [
      ...(kept.join() === expected.join() ? [] : [`kept are ${kept.join()} instead of ${expected.join()}`]),
      ...(this.removed > 0 || versions <= KEPT ? [] : ['no pack was removed']),
      // What has learnt too little is refused: it has read its data all the same.
      ...trainings.flatMap(({ id, status, error }) =>
        ['succeeded', 'refused'].includes(status) ? [] : [`training ${id} is ${status}: ${error?.message}`],
      ),
      ...(await this.unreadable(kept)),
      ...(await this.damage()),
      ...(await this.leftovers()),
    ]
    return { problems, did }
  }

  /** Versions that are not retired, after one more collection. */
  private async kept(): Promise<number[]> {
    await this.collect()
    const path = `/v1/datasets/${this.dataset}/versions?limit=${PAGE}`
    const { items } = await this.client.get<Page<DatasetVersion>>(path)
    return items
      .filter(({ retiredAt }) => retiredAt === null)
      .map(({ version }) => version)
      .toSorted((a, b) => a - b)
  }

  private async unreadable(kept: readonly number[]): Promise<string[]> {
    const reader = new VersionReader(this.rest, this.dataset)
    const problems: string[] = []
    for (const version of kept) {
      const expected = sha256Hex(this.csvs.get(version)!)
      const found = await reader.files(version).catch((error: unknown) => error as Error)
      if (found instanceof Error) problems.push(`version ${version}: ${found.message}`)
      else if (found.get('raw.csv')?.sha256 !== expected) problems.push(`version ${version} has other bytes`)
    }
    return problems
  }

  /** Parquet of retired versions that is still there; the bytes that were sent stay for a week. */
  private async leftovers(): Promise<string[]> {
    const objects = new LocalObjectStore(this.stack.endpoints().objects)
    const retired = await this.stack.query<{ version: number; uri: string }>(
      `SELECT v.version, v.parquet->>'uri' AS uri FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id
       WHERE d.name = $1 AND v.retired_at IS NOT NULL`,
      [this.dataset],
    )
    const there = await all(
      retired.map(async ({ version, uri }) => ((await objects.size(uri)) === null ? null : version)),
    )
    const left = there.filter(version => version !== null)
    return left.length === 0 ? [] : [`the tables of retired versions ${left.join()} are still there`]
  }

  private async damage(): Promise<string[]> {
    const { client, dataset } = this
    const { id } = await client.post<DataVerification>(
      '/v1/data/verifications',
      { dataset },
      `${dataset}-verify`,
    )
    const { status, found } = await client.follow<DataVerification>(`/v1/data/verifications/${id}`)
    const { damagedPacks, damagedObjects, lostChunks, damagedFiles } = found ?? {}
    const isWhole = damagedPacks === 0 && damagedObjects === 0 && lostChunks === 0 && damagedFiles === 0
    return isWhole ? [] : [`verification ${status}: ${JSON.stringify(found)}`]
  }
}
