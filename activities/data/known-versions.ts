import { decodeCommit } from '../../domain/data/commit.js'
import { MlforgeError } from '../../domain/errors.js'
import { sha256OfUri } from '../../stores/objects/object-uri.js'
import { isDamage } from '../../stores/objects/verified.js'
import { allObjects, bytesOf } from '../../stores/objects/whole.js'
import type { Ports } from '../ports.js'

/** Commits that are looked up by one statement. */
const COMMITS = 1_000

/**
 * Looks that the catalogue has each version that the object store has a commit of. Where the database was lost, or is an
 * older one than the objects, what such versions need would be taken for what nothing needs.
 * @throws MlforgeError wrong_state
 */
export async function assertVersionsKnown(
  { objects, verify }: Pick<Ports, 'objects' | 'verify'>,
  project: string,
  signal: AbortSignal,
): Promise<void> {
  let uris: string[] = []
  for await (const { uri } of allObjects(objects, project, 'commits')) {
    if (uris.push(uri) < COMMITS) continue
    await look()
  }
  await look()

  async function look(): Promise<void> {
    signal.throwIfAborted()
    const unknown = new Set(await verify.unknownCommits(project, uris.map(sha256OfUri)))
    for (const uri of uris.filter(each => unknown.has(sha256OfUri(each)))) await assertKnown(uri)
    uris = []
  }

  async function assertKnown(uri: string): Promise<void> {
    const content = await bytesOf(objects, uri).catch((error: unknown) => {
      // Nobody could restore it either.
      if (isDamage(error)) return null
      throw error
    })
    if (content === null) return
    const { dataset, version } = decodeCommit(content)
    // Made on top of an older database, another version has its number: it cannot be restored.
    if (await verify.hasVersion(project, dataset, version)) return
    throw new MlforgeError(
      'wrong_state',
      `The object store has version ${version} of dataset "${dataset}", and the catalogue does not: was its database lost, or restored from an older backup? Run "mlforge data fsck --rebuild" first. Nothing was removed.`,
      { dataset, version },
    )
  }
}
