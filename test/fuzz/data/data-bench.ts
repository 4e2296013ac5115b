import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { DatasetCommit } from '../../../contracts/rest/datasets.js'
import { Rest } from '../../../sdk/rest.js'
import { all } from '../../kill/all.js'
import { KillLimit } from '../../kill/kill-limit.js'
import { KillStack } from '../../kill/stack.js'
import { kill, waitFor } from '../../kill/strike.js'
import { Versity } from '../../stores/objects/support/versity.js'
import type { DataCase, DataVictim, Moment, PlannedStrike, Round } from './case.js'
import { ClientProcess } from './client-process.js'
import { Clone } from './clone.js'
import { csvOf } from './edits.js'
import { versionsOf } from './look.js'
import { Model } from './model.js'
import { type Left, problemsOf, untilQuiet } from './oracle.js'

/** A case that was played. */
export interface Played extends Left {
  readonly problems: readonly string[]
  readonly versions: number
  /** What was killed when. */
  readonly struck: readonly string[]
}

/** What a round is played with. */
interface Scene {
  readonly dataset: string
  readonly directory: string
  readonly model: Model
  readonly clones: readonly Clone[]
  clientOf(name: string): { root: string; client: ClientProcess }
}

/** A stack on which clients work on datasets while processes of it, and they, are killed. */
export class DataBench {
  private readonly limit = new KillLimit<DataVictim>()
  private readonly played: Played[] = []

  private bucketIsBack: Promise<void> = Promise.resolve()

  private constructor(
    readonly stack: KillStack,
    private readonly bucket: Versity | null,
  ) {}

  /** @param where objects are: in a bucket, its server is killed with each other one */
  static async start(where: 'directory' | 'bucket' = 'directory'): Promise<DataBench> {
    const bucket = where === 'bucket' ? await Versity.start() : null
    try {
      const more = bucket?.environment()
      return new DataBench(await KillStack.start({ MLFORGE_DATA_GRACE_MINUTES: '0', ...more }), bucket)
    } catch (error) {
      await bucket?.close()
      throw error
    }
  }

  async stop(): Promise<void> {
    await this.stack.stop()
    await this.bucket?.close()
    await Promise.all(this.played.map(({ directory }) => rm(directory, { recursive: true, force: true })))
  }

  /** Plays a case with its kills, and compares what is there in the end. */
  async run(given: DataCase, dataset: string): Promise<Played> {
    await this.limit.mayKill(given.rounds.flatMap(({ strikes }) => strikes.map(({ victim }) => victim)))
    const directory = await mkdtemp(join(tmpdir(), `mlforge-${dataset}-`))
    const model = new Model()
    const clients: ClientProcess[] = []
    const { api, keyFile } = this.stack.endpoints()
    const clientOf = (name: string) => {
      const root = join(directory, name)
      const client = new ClientProcess({ api, keyFile, dataset, root })
      clients.push(client)
      return { root, client }
    }
    const clones: Clone[] = []
    for (let at = 0; at < given.clones; at++) {
      const { root, client } = clientOf(`c${at}`)
      await mkdir(root)
      clones.push(new Clone(`c${at}`, root, client, model))
    }
    const scene: Scene = { dataset, directory, model, clones, clientOf }
    const problems: string[] = []
    const struck: string[] = []
    try {
      for (const [at, round] of given.rounds.entries()) {
        problems.push(...(await this.round(scene, round, at, struck)))
        await this.stack.settled()
      }
    } finally {
      await Promise.all(clients.map(client => client.close()))
    }
    const roots = clones.map(({ root }) => root)
    const left: Left = { dataset, model, roots, directory }
    await untilQuiet(this.stack, await this.rest(), left)
    const versions = (await versionsOf(this.stack, dataset)).length
    const played = { ...left, problems: [...problems, ...(await this.compare(left))], versions, struck }
    this.played.push(played)
    return played
  }

  async compare(left: Left): Promise<string[]> {
    return problemsOf(this.stack, await this.rest(), left)
  }

  private async rest(): Promise<Rest> {
    const { api, keyFile } = this.stack.endpoints()
    return new Rest(api, (await readFile(keyFile, 'utf8')).trim())
  }

  private async round(scene: Scene, round: Round, at: number, struck: string[]): Promise<string[]> {
    const { clones } = scene
    const turns = round.turns.map((turn, clone) => ({ turn, clone: clones[clone]! }))
    const isOver = turns.map(({ turn }) => turn === null)
    const strikes = round.strikes.map(strike =>
      this.strike(strike, clones[strike.clone]!, () => isOver[strike.clone]!, at, struck),
    )
    const [problems] = await all([
      all([
        ...turns.map(async ({ turn, clone }, index) => {
          try {
            return turn === null ? [] : await clone.play(turn, at)
          } finally {
            isOver[index] = true
          }
        }),
        this.table(scene, round, at),
        this.read(scene, round, at),
        this.tag(scene, round),
      ]),
      ...strikes,
    ])
    return problems.flat()
  }

  /** Kills when a clone comes to a moment, or has come to its end. */
  private async strike(
    { victim, moment, delayMs }: PlannedStrike,
    clone: Clone,
    isOver: () => boolean,
    round: number,
    struck: string[],
  ): Promise<void> {
    let isThere = false
    const end = clone.client.onMoment((come: Moment) => {
      isThere ||= come === moment
    })
    await waitFor(() => isThere || isOver(), `${clone.name} comes to ${moment}`).finally(end)
    await wait(delayMs)
    const when = `round ${round} ${isThere ? `${clone.name} ${moment}` : 'end'} +${delayMs} ms`
    if (victim !== 'client') await Promise.all([kill(this.stack, victim), this.killBucket()])
    else if (!(await clone.client.kill())) return
    struck.push(`${this.nameOf(victim, clone)} (${when})`)
    if (victim !== 'client') this.limit.killed(victim)
  }

  private nameOf(victim: DataVictim, { name }: Clone): string {
    if (victim === 'client') return `client ${name}`
    return this.bucket ? `${victim} and the bucket` : victim
  }

  /** It comes back at once, as a service manager would have it. Two strikes may come at the same time. */
  private killBucket(): Promise<void> {
    return (this.bucketIsBack = this.bucketIsBack.then(async () => {
      await this.bucket?.kill()
      await this.bucket?.run()
    }))
  }

  /** A table becomes the next version of the main branch. */
  private async table({ dataset, model }: Scene, { table }: Round, at: number): Promise<string[]> {
    if (table === null) return []
    const [client, csv, message] = [await this.stack.client(), csvOf(table), `table round ${at}`]
    const tree = new Map([['raw.csv', { content: csv, isExecutable: false }]])
    const commit = model.add(message, tree, undefined)
    const upload = await client.upload(csv.toString(), () => Promise.resolve())
    const path = `/v1/datasets/${dataset}`
    const { id } = await client.post<DatasetCommit>(
      `${path}/versions`,
      { upload: upload.id, message },
      `${dataset}-${at}`,
    )
    const { status, error } = await client.follow<DatasetCommit>(`${path}/commits/${id}`)
    if (status !== 'succeeded') return [`${message} is ${status}: ${error?.message}`]
    commit.fate = { kind: 'version', branch: 'main' }
    return []
  }

  /** One of the versions that are there comes into a fresh directory. */
  private async read(
    { dataset, directory, model, clientOf }: Scene,
    { pull }: Round,
    at: number,
  ): Promise<string[]> {
    const versions = pull === null ? [] : await this.patiently(() => versionsOf(this.stack, dataset))
    if (pull === null || versions.length === 0) return []
    const { root, client } = clientOf(`pull-${at}`)
    if (!existsSync(root)) await mkdir(join(directory, `pull-${at}`))
    return new Clone(`pull-${at}`, root, client, model).pull(
      String(versions[pull % versions.length]!.version),
    )
  }

  private async tag({ dataset, model }: Scene, { tag }: Round): Promise<string[]> {
    const versions = tag === null ? [] : await this.patiently(() => versionsOf(this.stack, dataset))
    if (tag === null || versions.length === 0) return []
    const { version } = versions[tag.version % versions.length]!
    await (await this.stack.client()).put(`/v1/datasets/${dataset}/tags/${tag.name}`, { version })
    model.tags.set(tag.name, version)
    return []
  }

  /** The server may be killed and come back meanwhile. */
  private async patiently<T>(look: () => Promise<T>): Promise<T> {
    return waitFor(() => look().catch(() => undefined), 'the catalogue can be read') as Promise<T>
  }
}
