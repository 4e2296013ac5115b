import { type DataSource, type EntityManager, In, IsNull, Not } from 'typeorm'
import { MlforgeError } from '../../domain/errors.js'
import {
  type NewPredictionFile,
  type PredictionGap,
  PredictionFile,
  PredictionSegment,
} from './entities/prediction.js'

export type NewSegment = Omit<PredictionSegment, 'tries' | 'dueAt' | 'ingestedAt' | 'problem'>

export interface PredictionSummary {
  readonly rows: number
  /** Event time up to which rows have been ingested; null where there are none. */
  readonly until: Date | null
  /** Segments of the whole project that are still to be ingested. */
  readonly waitingSegments: number
}

/** Event times in epoch milliseconds: `from` belongs to it, `to` does not. */
export interface EventTimeRange {
  readonly from?: number
  readonly to?: number
}

/** Sequence numbers of one replica, both ends included. */
export interface SequenceRange {
  readonly replica: string
  readonly first: number
  readonly last: number
}

const LONGEST_DELAY_MS = 60_000

/** The prediction log after it has left the replicas: segments as they were sealed, files as they are read. */
export class PredictionStore {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * A segment waits to be ingested from here on; the same one again changes nothing.
   * @throws MlforgeError already_exists where the replica has given this number to other content
   */
  async addSegment(segment: NewSegment): Promise<void> {
    const { project, replica, segment: number, sha256 } = segment
    await this.dataSource
      .createQueryBuilder()
      .insert()
      .into(PredictionSegment)
      .values(segment as never)
      .orIgnore()
      .execute()
    const key = { project, replica, segment: number }
    const known = await this.dataSource.getRepository(PredictionSegment).findOneByOrFail(key)
    if (known.sha256 === sha256) return
    throw new MlforgeError(
      'already_exists',
      `Segment ${number} of replica ${replica} is known with other content (${known.sha256}, now ${sha256}). Two replicas seem to use one identity: give each a directory of its own.`,
      { ...key, sha256: known.sha256 },
    )
  }

  async summary(project: string, deploymentId: string): Promise<PredictionSummary> {
    const rows: { rows: string; until: Date | null; waiting: string }[] = await this.dataSource.query(
      `SELECT coalesce(sum(rows), 0) AS rows, max(max_event_time) FILTER (WHERE rows > 0) AS until,
              (SELECT count(*) FROM prediction_segments
               WHERE project = $1 AND ingested_at IS NULL AND problem IS NULL) AS waiting
       FROM prediction_files WHERE deployment_id = $2 AND replaced_by IS NULL`,
      [project, deploymentId],
    )
    const { rows: ingested, until, waiting } = rows[0]!
    return { rows: Number(ingested), until, waitingSegments: Number(waiting) }
  }

  /**
   * Files that may hold what is asked for, in the order of their event times: those of a deployment that
   * overlap a range, and that hold rows answered by a plan revision or a later one. Each row is in one
   * of them; they can be read for hours, also when others take their place meanwhile.
   */
  async files(
    deploymentId: string,
    { from, to, fromRevision }: EventTimeRange & { fromRevision?: number } = {},
  ): Promise<PredictionFile[]> {
    const query = this.dataSource
      .getRepository(PredictionFile)
      .createQueryBuilder('file')
      .where({ deploymentId, replacedBy: IsNull() })
    if (from !== undefined) query.andWhere('file.maxEventTime >= :from', { from: new Date(from) })
    if (to !== undefined) query.andWhere('file.minEventTime < :to', { to: new Date(to) })
    if (fromRevision !== undefined) query.andWhere('file.maxRevision >= :fromRevision', { fromRevision })
    return query.orderBy('file.minEventTime').addOrderBy('file.id').getMany()
  }

  /**
   * How many ingests have given rows by a plan revision or a later one: it grows with them, and stays when
   * files are merged.
   */
  async ingests(deploymentId: string, fromRevision: number): Promise<number> {
    const rows: { ingests: number }[] = await this.dataSource.query(
      `SELECT coalesce(sum(sources), 0)::int AS ingests FROM prediction_files
       WHERE deployment_id = $1 AND max_revision >= $2 AND replaced_by IS NULL`,
      [deploymentId, fromRevision],
    )
    return rows[0]!.ingests
  }

  /** Whether one of these files was replaced so long ago that its object was deleted. */
  async wereDeleted(uris: readonly string[]): Promise<boolean> {
    return this.dataSource
      .getRepository(PredictionFile)
      .existsBy({ uri: In([...uris]), deletedAt: Not(IsNull()) })
  }

  /**
   * Hands waiting segments of one project to `work`, in one transaction with what it writes. A replica's
   * segments come in their order and from one taker at a time, who so sees all sequence numbers before
   * them; what another taker holds is left out.
   * @returns how many segments were taken
   */
  async takeWaiting(
    limit: number,
    work: (segments: readonly PredictionSegment[], transaction: EntityManager) => Promise<void>,
  ): Promise<number> {
    return this.dataSource.transaction(async transaction => {
      const taken: PredictionSegment[] = []
      for (const { project, replica } of await waitingReplicas(transaction)) {
        if (taken.length >= limit) break
        if (taken.length > 0 && taken[0]!.project !== project) continue
        if (!(await claim(transaction, project, replica))) continue
        taken.push(...(await waitingOf(transaction, project, replica, limit - taken.length)))
      }
      if (taken.length > 0) await work(taken, transaction)
      return taken.length
    })
  }

  /** Ingested sequence numbers of the segments' replicas that could be in these segments too. */
  async ingestedRanges(
    transaction: EntityManager,
    segments: readonly PredictionSegment[],
  ): Promise<SequenceRange[]> {
    const rows: { replica: string; first: string; last: string }[] = await transaction.query(
      `SELECT known.replica, known.first_sequence AS first, known.last_sequence AS last
       FROM unnest($2::uuid[], $3::bigint[], $4::bigint[]) AS given (replica, first, last)
       JOIN prediction_segments known ON known.project = $1 AND known.replica = given.replica
        AND known.last_sequence >= given.first AND known.first_sequence <= given.last
       WHERE known.ingested_at IS NOT NULL`,
      [
        segments[0]?.project,
        segments.map(segment => segment.replica),
        segments.map(segment => segment.firstSequence),
        segments.map(segment => segment.lastSequence),
      ],
    )
    return rows.map(({ replica, first, last }) => ({ replica, first: Number(first), last: Number(last) }))
  }

  /** Segments become files: both or neither, with the transaction that took the segments. */
  async finish(
    transaction: EntityManager,
    segments: readonly PredictionSegment[],
    files: readonly NewPredictionFile[],
  ): Promise<void> {
    const now = new Date()
    if (files.length > 0) {
      await transaction.insert(PredictionFile, files.map(file => ({ ...file, createdAt: now })) as never)
    }
    for (const segment of segments)
      await transaction.update(PredictionSegment, keyOf(segment), { ingestedAt: now })
  }

  /** A segment that cannot be read now is looked at again later, with doubling delay. */
  async postpone(transaction: EntityManager, segment: PredictionSegment): Promise<void> {
    const delay = Math.min(LONGEST_DELAY_MS, 1_000 * 2 ** segment.tries)
    await transaction.update(PredictionSegment, keyOf(segment), {
      tries: segment.tries + 1,
      dueAt: new Date(Date.now() + delay),
    })
  }

  /** A segment that can never be ingested stays, with the reason, and is not looked at again. */
  async refuse(transaction: EntityManager, segment: PredictionSegment, problem: string): Promise<void> {
    await transaction.update(PredictionSegment, keyOf(segment), { problem })
  }
}

/** What was dropped instead of logged, of event times in a range and in their order. */
export function gapsWithin(
  files: readonly Pick<PredictionFile, 'gaps'>[],
  { from = -Infinity, to = Infinity }: EventTimeRange,
): PredictionGap[] {
  return files
    .flatMap(file => file.gaps)
    .filter(({ fromEventTime, toEventTime }) => toEventTime >= from && fromEventTime < to)
    .toSorted(
      (a, b) =>
        a.fromEventTime - b.fromEventTime ||
        a.toEventTime - b.toEventTime ||
        a.firstSequence - b.firstSequence ||
        a.lastSequence - b.lastSequence,
    )
}

function keyOf({ project, replica, segment }: PredictionSegment) {
  return { project, replica, segment }
}

/** Replicas with segments that are due, the longest waiting first. */
async function waitingReplicas(transaction: EntityManager): Promise<{ project: string; replica: string }[]> {
  return transaction.query(
    `SELECT project, replica FROM prediction_segments
     WHERE ingested_at IS NULL AND problem IS NULL AND due_at <= now()
     GROUP BY project, replica ORDER BY min(sealed_at), project, replica`,
  )
}

/** Until the transaction ends nobody else takes segments of this replica; false where somebody does. */
async function claim(transaction: EntityManager, project: string, replica: string): Promise<boolean> {
  const rows: { claimed: boolean }[] = await transaction.query(
    `SELECT pg_try_advisory_xact_lock(hashtextextended('segments/' || $1::text || '/' || $2::text, 0)) AS claimed`,
    [project, replica],
  )
  return rows[0]!.claimed
}

/** Looked up after the claim: what the taker before has finished is no longer among them. */
async function waitingOf(
  transaction: EntityManager,
  project: string,
  replica: string,
  limit: number,
): Promise<PredictionSegment[]> {
  return transaction
    .getRepository(PredictionSegment)
    .createQueryBuilder('segment')
    .where({ project, replica })
    .andWhere('segment.ingestedAt IS NULL AND segment.problem IS NULL AND segment.dueAt <= now()')
    .orderBy('segment.segment')
    .limit(limit)
    .getMany()
}
