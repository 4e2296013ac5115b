import { join } from 'node:path'
import type { LookInput } from '../contracts/temporal/rollouts.js'
import type { Observation } from '../domain/rollouts/observation.js'
import { spearman } from '../domain/rollouts/spearman.js'
import { writeLabels } from '../stores/duckdb/predictions-labels.js'
import { answeredIds, armStatistics, mirroredPairs } from '../stores/duckdb/predictions-gates.js'
import type { Ports } from './ports.js'

type Compared = Pick<LookInput, 'stable' | 'armsFrom' | 'mirrorFrom'>

type Arrived = Pick<Compared, 'armsFrom' | 'mirrorFrom'> & {
  /** How many ingests have given rows, and when the latest label came in. */
  readonly ingests: number
  readonly labels: string | null
}

/** First plan whose rows count; null where there is nothing to compare yet. */
function earliestRevision({ stable, armsFrom, mirrorFrom }: Compared): number | null {
  const earliest = Math.min(armsFrom ?? Infinity, mirrorFrom ?? Infinity)
  return stable === null || earliest === Infinity ? null : earliest
}

/**
 * Which rows are looked at, and how far they have come: with the same answer a look finds the same. Rows of
 * a plan may be there before the rollout asks for them: the question is a part of the answer.
 */
export async function arrivedRows(
  { predictions, labels }: Pick<Ports, 'predictions' | 'labels'>,
  deploymentId: string,
  compared: Compared,
): Promise<Arrived | null> {
  const revision = earliestRevision(compared)
  if (revision === null) return null
  const ingests = await predictions.ingests(deploymentId, revision)
  const { armsFrom, mirrorFrom } = compared
  return { armsFrom, mirrorFrom, ingests, labels: await labels.receivedUntil(deploymentId) }
}

/**
 * The ingested rows that the two versions of a rollout are compared by; nothing where it has no arms to
 * compare yet. Only rows that were answered by the plans given count.
 */
export async function lookAtRows(
  { predictions, labels, objects }: Pick<Ports, 'predictions' | 'labels' | 'objects'>,
  deploymentId: string,
  { stable, candidate, armsFrom, mirrorFrom }: LookInput,
  directory: string,
): Promise<Pick<Observation, 'split' | 'mirrored'>> {
  const earliest = earliestRevision({ stable, armsFrom, mirrorFrom })
  if (stable === null || earliest === null) return {}
  const logged = await predictions.files(deploymentId, { fromRevision: earliest })
  const files = await Promise.all(logged.map(({ uri }) => objects.toFile(uri, directory)))
  const labelFile = join(directory, 'labels.parquet')
  const options = { temporaryDirectory: directory }
  // A deployment has many more labels than a rollout has rows.
  const ids = await answeredIds({ files, revisions: { from: earliest } }, options)
  await writeLabels(labels.effectiveOf(deploymentId, ids), labelFile, options)
  const source = { files, labels: labelFile }
  const versions = [stable, candidate] as const
  return {
    ...(armsFrom === null ? {} : { split: await split(armsFrom) }),
    ...(mirrorFrom === null ? {} : { mirrored: await mirrored(mirrorFrom) }),
  }

  async function split(from: number): Promise<NonNullable<Observation['split']>> {
    const { arms, rowsHash } = await armStatistics({ ...source, versions, revisions: { from } }, options)
    return { fromRevision: from, rowsHash, stable: arms[0]!.moments, candidate: arms[1]!.moments }
  }

  async function mirrored(from: number): Promise<NonNullable<Observation['mirrored']>> {
    const question = { ...source, versions, revisions: { from } }
    const { outputs, rowsHash, first, difference } = await mirroredPairs(question, options)
    return {
      fromRevision: from,
      rowsHash,
      pairs: outputs[0].length,
      correlation: spearman(...outputs),
      stable: first,
      difference,
    }
  }
}
