import type { EntityManager } from 'typeorm'
import type { FitRequest } from '../../contracts/temporal/fits.js'
import type { CommitRequest } from '../../domain/datasets/commit-request.js'
import type { RunKind } from '../../domain/names.js'
import type { Purge } from './entities/dataset.js'
import { assertReadable } from './readable.js'

/** A version of a dataset that a run is about to read. */
export interface VersionRead {
  readonly dataset: string
  readonly version: number
}

/**
 * Versions that a run has fixed when it is taken on. What its own steps choose later is kept as long as it is
 * the newest while the run is under way.
 */
export function versionsRead(kind: RunKind, name: string, request: unknown): VersionRead[] {
  switch (kind) {
    case 'training': {
      const { dataset } = request as { dataset?: { name: string; version: number } }
      return dataset ? [{ dataset: dataset.name, version: dataset.version }] : []
    }
    case 'fit': {
      const { dataset } = request as FitRequest
      return [{ dataset: dataset.name, version: dataset.version }]
    }
    case 'dataset': {
      const { transformed } = request as CommitRequest
      return transformed ? [{ dataset: transformed.dataset.name, version: transformed.dataset.version }] : []
    }
    case 'pull':
    case 'validation':
      return [{ dataset: name, version: (request as { version: number }).version }]
    case 'pipeline':
      return [...((request as { pins?: readonly VersionRead[] }).pins ?? [])]
    default:
      return []
  }
}

/**
 * Nobody retires these versions before the transaction that takes a run on is over; from then on the run names them.
 * @throws MlforgeError version_retired where somebody has
 */
export async function holdVersions(
  transaction: EntityManager,
  project: string,
  reads: readonly VersionRead[],
): Promise<void> {
  // In one order, so that no two wait for each other.
  const inOrder = reads.toSorted((a, b) => (a.dataset < b.dataset ? -1 : a.dataset > b.dataset ? 1 : 0))
  for (const { dataset, version } of inOrder) {
    const locked: { id: string }[] = await transaction.query(
      `SELECT id FROM datasets WHERE project = $1 AND name = $2 FOR SHARE`,
      [project, dataset],
    )
    const rows: { retiredAt: Date | null; purge: Purge | null }[] = await transaction.query(
      `SELECT retired_at AS "retiredAt", purge FROM dataset_versions WHERE dataset_id = $1 AND version = $2`,
      [locked[0]?.id, version],
    )
    if (rows[0]) assertReadable(dataset, { version, ...rows[0] })
  }
}
