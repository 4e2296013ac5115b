import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { months, bikeTable, commitOf } from '../examples/bike-sharing/bike.js'
import { Rest } from '../examples/bike-sharing/rest.js'
import type { Endpoints } from '../examples/bike-sharing/story.js'
import type { DatasetCommit } from '../contracts/rest/datasets.js'
import type { Upload } from '../contracts/rest/uploads.js'
import { mlforge } from '../test/support/servers.js'

export interface Stack {
  readonly rest: Rest
  endpoints(): Promise<Endpoints & { temporalAddress: string; postgresUrl: string }>
}

/** Runs a measurement on a stack of its own, with bike-sharing rows of 2011 as dataset `bike`. */
export async function withStack(measure: (stack: Stack) => Promise<void>): Promise<void> {
  const stateDirectory = await mkdtemp('/var/tmp/mlforge-bench-')
  await chmod(stateDirectory, 0o755)
  const endpoints = async () => JSON.parse(await readFile(join(stateDirectory, 'endpoints.json'), 'utf8'))
  try {
    await mlforge(stateDirectory, ['up'])
    const { api, keyFile } = (await endpoints()) as Endpoints
    const rest = new Rest(api, (await readFile(keyFile, 'utf8')).trim())
    const upload = await rest.upload<Upload>('/v1/uploads', months(await bikeTable(), 2011, 1, 10))
    const { id } = await rest.post<DatasetCommit>('/v1/datasets/bike/versions', commitOf(upload.id, 'bench'))
    await rest.follow(`/v1/datasets/bike/commits/${id}`)
    await measure({ rest, endpoints })
  } finally {
    await mlforge(stateDirectory, ['clean'])
    await rm(stateDirectory, { recursive: true, force: true })
  }
}
