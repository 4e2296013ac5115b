import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { months, bikeTable, commitOf, TRAINING } from '../examples/bike-sharing/bike.js'
import { Rest } from '../sdk/rest.js'
import type { Endpoints } from '../examples/bike-sharing/story.js'
import type { DatasetCommit } from '../contracts/rest/datasets.js'
import type { Rollout } from '../contracts/rest/rollouts.js'
import type { StartTraining, Training } from '../contracts/rest/trainings.js'
import type { Upload } from '../contracts/rest/uploads.js'
import { mlforge } from '../test/support/servers.js'

export interface Stack {
  readonly rest: Rest
  /** The data plane. */
  readonly serving: Rest
  readonly key: string
  /** Where its state is. */
  readonly directory: string
  /** Id of the upload that `bike` was made from. */
  readonly upload: string
  endpoints(): Promise<Endpoints & { temporalAddress: string; postgresUrl: string }>
}

/** Runs a measurement on a stack of its own, with bike-sharing rows of 2011 as dataset `bike`. */
export async function withStack(measure: (stack: Stack) => Promise<void>): Promise<void> {
  const stateDirectory = await mkdtemp('/var/tmp/mlforge-bench-')
  await chmod(stateDirectory, 0o755)
  const endpoints = async () => JSON.parse(await readFile(join(stateDirectory, 'endpoints.json'), 'utf8'))
  try {
    await mlforge(stateDirectory, ['up'])
    const { api, serving, keyFile } = (await endpoints()) as Endpoints
    const key = (await readFile(keyFile, 'utf8')).trim()
    const rest = new Rest(api, key)
    const upload = await rest.upload<Upload>('/v1/uploads', months(await bikeTable(), 2011, 1, 10))
    const { id } = await rest.post<DatasetCommit>('/v1/datasets/bike/versions', commitOf(upload.id, 'bench'))
    await rest.follow(`/v1/datasets/bike/commits/${id}`)
    await measure({
      rest,
      serving: new Rest(serving, key),
      key,
      directory: stateDirectory,
      upload: upload.id,
      endpoints,
    })
  } finally {
    await mlforge(stateDirectory, ['clean'])
    await rm(stateDirectory, { recursive: true, force: true })
  }
}

/** A training that learns enough in a moment to pass the gate. */
export function smallTraining(model: string): StartTraining {
  const parameters = { ...TRAINING.parameters, eta: 0.3 }
  return { ...TRAINING, model, parameters, rounds: 30, checkpointEvery: 10 }
}

/** Trains the first version of a model. */
export async function train({ rest }: Stack, model: string): Promise<void> {
  const { id } = await rest.post<Training>('/v1/trainings', smallTraining(model))
  const { status } = await rest.follow<Training>(`/v1/trainings/${id}`)
  if (status !== 'succeeded') throw new Error(`Training ${id} is ${status}.`)
}

/** Gives the first version of a model all traffic of a new deployment. */
export async function deploy({ rest }: Stack, name: string, model: string): Promise<void> {
  await rest.post('/v1/deployments', { name, model })
  const path = `/v1/deployments/${name}/rollouts`
  const { id } = await rest.post<Rollout>(path, { version: 1, reason: 'bench' })
  const { outcome } = await rest.follow<Rollout>(`/v1/rollouts/${id}`)
  if (outcome !== 'promoted') throw new Error(`Rollout ${id} ended ${outcome}.`)
}

/** Looks until there is something, as closely as a measurement needs it. */
export async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 60_000; Date.now() < end; await wait(20)) {
    const found = await look()
    if (found !== undefined) return found
  }
  throw new Error(`There was no ${what} within a minute.`)
}
