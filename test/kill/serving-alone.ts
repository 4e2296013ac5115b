import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { PredictResponse } from '../../contracts/rest/predict.js'
import { isAlive, type ProcessIdentity, until } from '../../infra/launcher/proc.js'
import { bikeHours } from '../support/bike-hours.js'
import { logged } from './rollout/state.js'
import type { KillStack } from './stack.js'
import { FEATURES } from './training/scenario.js'

const ROWS = 5
const REPLICA = 'serving-1'
const DEADLINE_MS = 60_000

/** A replica that is started by hand while nothing else of its stack lives. */
export class ServingAlone {
  private readonly command: { argv: string[]; env: Record<string, string>; cwd: string }
  private child: ChildProcess | undefined

  constructor(
    private readonly stack: KillStack,
    private readonly deployment: string,
  ) {
    const { pid } = stack.find(REPLICA)!
    const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8').split('\0').slice(0, -1)
    const variables = read('environ').map(each => each.split(/=(.*)/s).slice(0, 2) as [string, string])
    this.command = {
      argv: read('cmdline'),
      env: Object.fromEntries(variables),
      cwd: readlinkSync(`/proc/${pid}/cwd`),
    }
  }

  /** The same rows each time, under ids of this name; what was answered. */
  async predict(name: string): Promise<Answer[]> {
    const rows = bikeHours()
      .slice(-ROWS)
      .map(({ key, eventTime, values }, index) => ({
        id: `${name}-${index}`,
        key,
        eventTime: new Date(eventTime).toISOString(),
        features: Object.fromEntries(FEATURES.map(feature => [feature, values[feature]])),
      }))
    const client = await this.stack.servingClient()
    const path = `/v1/deployments/${this.deployment}/predict`
    const { predictions } = await client.post<PredictResponse>(path, { rows })
    return predictions.map(({ version, value }) => ({ version, value }))
  }

  /** What the platform has read of the predictions with ids of a name. */
  async ingested(name: string): Promise<Answer[]> {
    const records = await logged(this.stack, this.deployment)
    return Array.from({ length: ROWS }, (_, index) => records.get(`${name}-${index}`) ?? [])
      .flat()
      .map(({ version, output }) => ({ version, value: output }))
  }

  /** SIGKILL of all there is, the supervisor first: nobody starts anything again. */
  async killEverything(): Promise<void> {
    const victims = [this.stack.find('supervisor')!, ...Object.values(this.stack.processes())]
    for (const victim of victims) await kill(victim)
  }

  async restart(): Promise<void> {
    const { argv, env, cwd } = this.command
    this.child = spawn(argv[0]!, argv.slice(1), { env, cwd, stdio: 'ignore' })
    const isReady = async () =>
      fetch(`${this.stack.endpoints().serving}/ready`).then(
        ({ ok }) => ok,
        () => false,
      )
    await seen(isReady, 'the replica is ready')
  }

  /** Nobody takes what it seals: it waits on the disk. */
  async keepsSealedSegments(): Promise<void> {
    const segments = join(this.stack.replicaDirectory(REPLICA), 'segments')
    await seen(() => readdirSync(segments).some(name => name.endsWith('.sealed')), 'a segment is sealed')
  }

  /** All parts but the replicas: this one is not the supervisor's. */
  async bringBackTheRest(): Promise<void> {
    await this.stack.up(this.stack.parts().filter(name => !name.startsWith('serving-')))
  }

  /** Its place is taken by one of the stack again. */
  async end(): Promise<void> {
    const { child } = this
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    await this.stack.up()
    await this.stack.settled()
  }
}

interface Answer {
  readonly version: number
  readonly value: number
}

async function kill(victim: ProcessIdentity): Promise<void> {
  if (isAlive(victim)) process.kill(victim.pid, 'SIGKILL')
  await seen(() => !isAlive(victim), `process ${victim.pid} is gone`)
}

async function seen(look: () => boolean | Promise<boolean>, what: string): Promise<void> {
  if (await until(look, DEADLINE_MS, 20)) return
  throw new Error(`Within ${DEADLINE_MS / 1000} s it was not seen that ${what}.`)
}
