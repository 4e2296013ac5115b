import type { DataSource, EntityManager } from 'typeorm'
import { SWEEP_LABELS } from '../../domain/labels/sweeps.js'
import { pagesOf } from './cursor.js'
import { HELD, UNKNOWN } from './label-store.js'

/** How far the labels of a deployment have been looked for. Times are as the database writes them: exact. */
export interface LabelLookState {
  readonly deploymentId: string
  readonly revision: number
  /** Labels received up to here have been looked for in every file that there was. */
  readonly sweptUntil: string | null
  /** Null between sweeps. */
  readonly sweepUntil: string | null
  /** The file that the sweep has come to, from the newest event times on; null where it begins. */
  readonly sweepEventTime: string | null
  readonly sweepFile: string | null
  readonly sweepMs: number
}

export interface LookedFile {
  readonly id: string
  readonly uri: string
  readonly bytes: number
  readonly rows: number
  readonly maxEventTime: string
}

/** What a check compares with the files. */
export interface LookedLabel {
  readonly predictionId: string
  readonly matched: boolean
}

const STATE = `deployment_id AS "deploymentId", revision, swept_until::text AS "sweptUntil",
  sweep_until::text AS "sweepUntil", sweep_event_time::text AS "sweepEventTime", sweep_file AS "sweepFile",
  sweep_ms AS "sweepMs"`
const FILE = `id, uri, bytes::float8, rows, max_event_time::text AS "maxEventTime"`

/** Of files in which labels were never looked for, as their index has it. */
const NEW = 'matched_at IS NULL AND replaced_by IS NULL'

/** So many labels at a time are marked. */
const REPORT_LABELS = 10_000

/**
 * Labels and predictions find each other whichever comes first: a new file is looked at once, for all
 * labels without a prediction; new labels are looked for once, in all files that are there (a sweep).
 * Whatever is told here is true whoever tells it and how often; where two look at once, one sweep goes on.
 */
export class LabelLookStore {
  constructor(private readonly dataSource: DataSource) {}

  /** Deployments with labels that are held or files that are new, the longest not looked at first. */
  async due(project: string): Promise<{ id: string; name: string }[]> {
    return this.dataSource.query(
      `SELECT id, name FROM deployments LEFT JOIN label_looks ON deployment_id = id
       WHERE project = $1 AND (
         EXISTS (SELECT FROM labels WHERE labels.deployment_id = id AND ${HELD})
         OR EXISTS (SELECT FROM prediction_files file WHERE file.deployment_id = deployments.id AND ${NEW}))
       ORDER BY looked_at NULLS FIRST, id`,
      [project],
    )
  }

  /** Where the deployment stands, which is being looked at from now on. */
  async open(deploymentId: string): Promise<LabelLookState> {
    const rows: LabelLookState[] = await this.dataSource.query(
      `INSERT INTO label_looks (deployment_id, revision, sweep_ms, looked_at) VALUES ($1, 0, 0, statement_timestamp())
       ON CONFLICT (deployment_id) DO UPDATE SET looked_at = excluded.looked_at RETURNING ${STATE}`,
      [deploymentId],
    )
    return rows[0]!
  }

  /** Begins a sweep for the oldest labels that were in none; null where there are none, or it is not time yet. */
  async beginSweep(state: LabelLookState): Promise<LabelLookState | null> {
    const unswept = `FROM labels WHERE labels.deployment_id = $1 AND ${HELD}
      AND received_at > coalesce(label_looks.swept_until, '-infinity')`
    return this.change(
      state,
      `sweep_until = (SELECT max(received_at) FROM (
         SELECT received_at ${unswept} ORDER BY received_at LIMIT ${SWEEP_LABELS}) AS oldest), sweep_ms = 0`,
      [],
      `(rest_until IS NULL OR rest_until <= statement_timestamp()) AND EXISTS (SELECT ${unswept})`,
    )
  }

  /** Ids that the sweep has still to find. */
  async sought({ deploymentId, sweptUntil, sweepUntil }: LabelLookState): Promise<string[]> {
    const rows: { id: string }[] = await this.dataSource.query(
      `SELECT prediction_id AS id FROM labels WHERE deployment_id = $1 AND ${HELD}
         AND received_at > coalesce($2::timestamptz, '-infinity') AND received_at <= $3::timestamptz`,
      [deploymentId, sweptUntil, sweepUntil],
    )
    return rows.map(({ id }) => id)
  }

  /** The next files of the sweep, the newest event times first: that is where most labels belong. */
  async sweepFiles(state: LabelLookState, limit: number): Promise<LookedFile[]> {
    const { deploymentId, sweepEventTime, sweepFile } = state
    return this.dataSource.query(
      `SELECT ${FILE} FROM prediction_files
       WHERE deployment_id = $1 AND replaced_by IS NULL
         AND ($2::timestamptz IS NULL OR (max_event_time, id) < ($2::timestamptz, $3::uuid))
       ORDER BY prediction_files.max_event_time DESC, id DESC LIMIT ${limit}`,
      [deploymentId, sweepEventTime, sweepFile],
    )
  }

  /** The sweep has looked at all files up to this one; null where somebody else has gone on with it. */
  async advanceSweep(state: LabelLookState, last: LookedFile, ms: number): Promise<LabelLookState | null> {
    return this.change(
      state,
      'sweep_event_time = $3::timestamptz, sweep_file = $4::uuid, sweep_ms = sweep_ms + $5::integer',
      [last.maxEventTime, last.id, Math.ceil(ms)],
    )
  }

  async endSweep(state: LabelLookState, restSeconds: number): Promise<LabelLookState | null> {
    return this.change(
      state,
      `swept_until = sweep_until, sweep_until = NULL, sweep_event_time = NULL, sweep_file = NULL,
       rest_until = statement_timestamp() + make_interval(secs => $3)`,
      [restSeconds],
    )
  }

  /** Files in which labels were never looked for, those that have taken the place of others too. */
  async newFiles(deploymentId: string, limit: number): Promise<LookedFile[]> {
    return this.dataSource.query(
      `SELECT ${FILE} FROM prediction_files WHERE deployment_id = $1 AND ${NEW}
       ORDER BY prediction_files.created_at, id LIMIT ${limit}`,
      [deploymentId],
    )
  }

  async closeFiles(files: readonly LookedFile[]): Promise<void> {
    await this.dataSource.query(
      `UPDATE prediction_files SET matched_at = statement_timestamp() WHERE id = ANY($1) AND ${NEW}`,
      [files.map(({ id }) => id)],
    )
  }

  /** Whether any label of the deployment has not found its prediction. */
  async isAnyUnmatched(deploymentId: string): Promise<boolean> {
    const rows: { any: boolean }[] = await this.dataSource.query(
      `SELECT EXISTS (SELECT FROM labels WHERE deployment_id = $1 AND ${HELD})
         OR EXISTS (SELECT FROM labels WHERE deployment_id = $1 AND ${UNKNOWN}) AS any`,
      [deploymentId],
    )
    return rows[0]!.any
  }

  /**
   * These predictions are there: their labels have found them, held or reported.
   * @returns how many labels have now
   */
  async match(deploymentId: string, predictionIds: readonly string[]): Promise<number> {
    return this.mark(
      deploymentId,
      `UPDATE labels SET matched_at = statement_timestamp()
       WHERE deployment_id = $1 AND revision = 0 AND matched_at IS NULL AND prediction_id = ANY($2)`,
      [predictionIds],
    )
  }

  /**
   * Marks labels that were held for longer than the hold time, of those that have been looked for everywhere.
   * @returns how many were not marked before
   */
  async report({ deploymentId, sweptUntil }: LabelLookState, holdSeconds: number): Promise<number> {
    let reported = 0
    for (;;) {
      // Whole milliseconds, which a cursor of a page can hold.
      const some = await this.mark(
        deploymentId,
        `UPDATE labels SET reported_at = date_trunc('milliseconds', statement_timestamp())
         WHERE deployment_id = $1 AND revision = 0 AND prediction_id IN (
           SELECT prediction_id FROM labels WHERE deployment_id = $1 AND ${HELD}
             AND received_at <= $2::timestamptz
             AND received_at <= statement_timestamp() - make_interval(secs => $3)
           ORDER BY received_at LIMIT ${REPORT_LABELS})`,
        [sweptUntil, holdSeconds],
      )
      reported += some
      if (some < REPORT_LABELS) return reported
    }
  }

  /**
   * Labels whose state was settled at a moment: matched by then, or looked for in all files by then.
   * @param sweptUntil of that moment
   */
  settled(deploymentId: string, now: Date, sweptUntil: string | null): AsyncGenerator<LookedLabel[]> {
    return pagesOf(
      this.dataSource,
      `SELECT prediction_id AS "predictionId", matched_at IS NOT NULL AS matched FROM labels
       WHERE deployment_id = $1 AND revision = 0
         AND (matched_at <= $2 OR (matched_at IS NULL AND received_at <= $3::timestamptz))`,
      [deploymentId, now.toISOString(), sweptUntil],
    )
  }

  /** Writers of one deployment's marks take turns: in whatever order they come, they never wait in a circle. */
  private async mark(deploymentId: string, update: string, parameters: readonly unknown[]): Promise<number> {
    return this.dataSource.transaction(async (transaction: EntityManager) => {
      await transaction.query(
        `SELECT pg_advisory_xact_lock(hashtextextended('label-looks/' || $1::text, 0))`,
        [deploymentId],
      )
      const rows: { count: number }[] = await transaction.query(
        `WITH marked AS (${update} RETURNING 1) SELECT count(*)::int AS count FROM marked`,
        [deploymentId, ...parameters],
      )
      return rows[0]!.count
    })
  }

  /** Changes the state if it is still the one given. */
  private async change(
    { deploymentId, revision }: LabelLookState,
    set: string,
    parameters: readonly unknown[],
    where = 'true',
  ): Promise<LabelLookState | null> {
    const rows: LabelLookState[] = await this.dataSource.query(
      `WITH changed AS (
         UPDATE label_looks SET ${set}, revision = revision + 1
         WHERE deployment_id = $1 AND revision = $2 AND ${where} RETURNING *)
       SELECT ${STATE} FROM changed`,
      [deploymentId, revision, ...parameters],
    )
    return rows[0] ?? null
  }
}
