import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DataClient } from '../../../sdk/data/data-client.js'
import { WorkingCopy } from '../../../sdk/data/working-copy.js'
import type { Rest } from '../../../sdk/rest.js'
import { until } from '../../../infra/launcher/proc.js'
import type { KillStack } from '../../kill/stack.js'
import { refDifferences, runDifferences, versionDifferences } from './differences.js'
import { readTree, temporaryFiles } from './directory.js'
import {
  keptTransfers,
  leftObjects,
  objectDifferences,
  refsOf,
  runsOf,
  VersionReader,
  versionsOf,
} from './look.js'
import type { Model } from './model.js'
import { treeDifferences } from './tree.js'

/** Versions that could not be written to the object store are tried again each minute. */
const QUIET_MS = 100_000

/** A dataset as it was left, and what is known of how it must be. */
export interface Left {
  readonly dataset: string
  readonly model: Model
  /** Directories that clients worked in. */
  readonly roots: readonly string[]
  /** For fresh ones. */
  readonly directory: string
}

/** Waits until nothing is under way and everything is in the object store; the comparison says if that never comes. */
export async function untilQuiet(stack: KillStack, rest: Rest, { dataset }: Left): Promise<void> {
  // Pulls whose client was killed wait for a day.
  for (const { id, kind, status } of await runsOf(stack, dataset)) {
    const isOpen = status === 'accepted' || status === 'running'
    if (kind === 'pull' && isOpen) await rest.post(`/v1/operations/${id}/cancel`)
  }
  await until(
    async () => {
      const [runs, versions, refs] = [
        await runsOf(stack, dataset),
        await versionsOf(stack, dataset),
        await refsOf(stack, dataset),
      ]
      return (
        runs.every(({ status }) => status !== 'accepted' && status !== 'running') &&
        versions.every(({ commit, manifest }) => commit !== null && manifest !== null) &&
        refs.every(({ sequence, recorded }) => sequence === recorded)
      )
    },
    QUIET_MS,
    200,
  )
}

/** Everything that is otherwise than what was done; nothing where all is well. */
export async function problemsOf(stack: KillStack, rest: Rest, left: Left): Promise<string[]> {
  const { dataset, model, roots } = left
  const [versions, refs] = [await versionsOf(stack, dataset), await refsOf(stack, dataset)]
  const problems = [
    ...versionDifferences(versions, model),
    ...refDifferences(refs, versions, model),
    ...runDifferences(await runsOf(stack, dataset)),
    ...(await keptTransfers(stack, dataset)),
    ...(await objectDifferences(stack, dataset, versions, refs)),
    ...(await leftObjects(stack)),
    ...roots.flatMap(root => temporaryFiles(root).map(file => `${file} stays in ${root}`)),
  ]
  const reader = new VersionReader(rest, dataset)
  for (const { version, message } of versions) {
    const tree = model.commits.get(message ?? '')?.tree
    if (tree === undefined) continue
    const where = `version ${version}`
    const read = async (how: string, files: () => Promise<ReturnType<typeof readTree>>) => {
      try {
        problems.push(...treeDifferences(`${where} ${how}`, await files(), tree))
      } catch (error) {
        problems.push(`${where} ${how}: ${(error as Error).message}`)
      }
    }
    await Promise.all([
      read('by its files', () => reader.files(version)),
      read('in an empty directory', () => pulled(rest, left, version)),
    ])
  }
  const check = await stack.check()
  return [...problems, ...check.problems.map(({ code, at, message }) => `${code} ${at}: ${message}`)]
}

async function pulled(
  rest: Rest,
  { dataset, directory }: Left,
  version: number,
): Promise<ReturnType<typeof readTree>> {
  const root = join(directory, 'empty')
  await mkdir(root, { recursive: true })
  const copy = WorkingCopy.init(root, dataset)
  try {
    await new DataClient(rest).pull(copy, String(version))
    return readTree(root)
  } finally {
    await copy.close()
    await rm(root, { recursive: true, force: true })
  }
}
