import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StackFacts } from '../../domain/check/facts.js'
import type { LoggedFacts } from '../../domain/check/serving-facts.js'
import { countLogged } from '../../stores/duckdb/predictions-count.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'

/** Counts the predictions of each deployment whose files are all there and whole; the others have problems already. */
export async function loggedPredictions(
  store: ObjectStore,
  { deployments, predictionFiles, objects }: StackFacts,
): Promise<LoggedFacts[]> {
  const found: LoggedFacts[] = []
  for (const { id: deploymentId } of deployments) {
    const uris = predictionFiles
      .filter(file => file.deploymentId === deploymentId && file.replacedBy === null)
      .map(({ uri }) => uri)
    const isWhole = (uri: string) => {
      const { bytes = null, corrupt } = objects.get(uri) ?? {}
      return bytes !== null && corrupt === undefined
    }
    if (!uris.every(isWhole)) continue
    const directory = await mkdtemp(join(tmpdir(), 'mlforge-check-'))
    try {
      const files = await Promise.all(uris.map(uri => store.toFile(uri, directory)))
      found.push({ deploymentId, ...(await countLogged(files, { temporaryDirectory: directory })) })
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  }
  return found
}
