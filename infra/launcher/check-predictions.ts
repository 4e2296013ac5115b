import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StackFacts } from '../../domain/check/facts.js'
import type { LoggedFacts } from '../../domain/check/serving-facts.js'
import { countLogged } from '../../stores/duckdb/predictions-count.js'
import { countMismatches } from '../../stores/duckdb/predictions-ids.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import type { LabelLookStore } from '../../stores/postgres/label-look-store.js'

/**
 * Counts the predictions of each deployment whose files are all there and whole, and compares their ids with
 * the marks of labels; the others have problems already.
 */
export async function loggedPredictions(
  store: ObjectStore,
  looks: Pick<LabelLookStore, 'settled'>,
  { deployments, predictionFiles, objects, labels, now }: StackFacts,
): Promise<LoggedFacts[]> {
  const found: LoggedFacts[] = []
  for (const { id: deploymentId } of deployments) {
    const own = predictionFiles.filter(file => file.deploymentId === deploymentId && file.replacedBy === null)
    const isWhole = (uri: string) => {
      const { bytes = null, corrupt } = objects.get(uri) ?? {}
      return bytes !== null && corrupt === undefined
    }
    if (!own.every(({ uri }) => isWhole(uri))) continue
    const directory = await mkdtemp(join(tmpdir(), 'mlforge-check-'))
    try {
      const options = { temporaryDirectory: directory }
      const files = await Promise.all(own.map(({ uri }) => store.toFile(uri, directory)))
      const looked = files.filter((_, at) => own[at]!.lookedAt)
      const { sweptUntil = null } = labels.find(each => each.deploymentId === deploymentId) ?? {}
      const settled = looks.settled(deploymentId, now, sweptUntil)
      const { matched, unmatched } = await countMismatches(settled, { files, looked }, directory, options)
      found.push({
        deploymentId,
        mismatched: matched + unmatched,
        ...(await countLogged(files, options)),
      })
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  }
  return found
}
