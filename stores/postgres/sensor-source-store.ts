import type { DataSource } from 'typeorm'
import { quarantineOf } from '../../domain/data/selector.js'
import type { DriftSignal, WatchedEnd } from '../../domain/sensors/sensor.js'

/** Whose ticks are left out, and how many rows are wanted. */
export interface UnseenOf {
  readonly sensorId: string
  readonly incarnation: number
  /** Rows up to this moment are none of the sensor's. */
  readonly since: Date
  /** Of the newest row that was seen; null for none. */
  readonly seenUntil: Date | null
  readonly limit: number
}

export interface EndedPipelineRun {
  readonly key: string
  readonly id: string
  readonly status: string
  readonly attempt: number
  readonly at: Date
}

export interface DriftEvent {
  readonly key: string
  readonly name: string
  readonly at: Date
}

/** Rows are written with the clocks of several processes: how far one may be behind another. */
const CLOCKS_MS = 10 * 60_000

const UNSEEN = `NOT EXISTS (SELECT FROM sensor_ticks tick
  WHERE tick.sensor_id = $1 AND tick.incarnation = $2 AND tick.key = found.key)`

const DRIFT: Readonly<Record<DriftSignal, string>> = {
  incident: `SELECT 'incident/' || id AS key, id::text AS name, opened_at AS at
    FROM incidents WHERE deployment_id = $5 AND opened_at > $3`,
  window: `SELECT 'window/' || window_id AS key, window_id AS name, min(created_at) AS at
    FROM drift_windows WHERE deployment_id = $5 AND breached GROUP BY window_id HAVING min(created_at) > $3`,
}

const ENDS: Readonly<Record<WatchedEnd, string>> = {
  any: '',
  succeeded: `AND status = 'succeeded'`,
  failed: `AND status <> 'succeeded'`,
}

/** What sensors look for in the rows of other nouns. Oldest first. */
export class SensorSourceStore {
  constructor(private readonly dataSource: DataSource) {}

  /** Runs of a pipeline that have ended; one that ends once more, after a retry or a reset, is another one. */
  async endedRuns(
    project: string,
    pipeline: string,
    status: WatchedEnd,
    of: UnseenOf,
  ): Promise<EndedPipelineRun[]> {
    const ended = `SELECT id || '/' || attempt AS key, id, status, attempt, ended_at AS at FROM runs
      WHERE project = $5 AND kind = 'pipeline' AND name = $6 AND ended_at > $3
        AND status NOT IN ('accepted', 'running') AND next_attempt_at IS NULL ${ENDS[status]}`
    return this.unseen(ended, of, [project, pipeline])
  }

  async driftEvents(deploymentId: string, on: DriftSignal, of: UnseenOf): Promise<DriftEvent[]> {
    return this.unseen(DRIFT[on], of, [deploymentId])
  }

  /** Number of the newest version that a dataset had at a moment; 0 for none. */
  async datasetVersionAt(datasetId: string, at: Date): Promise<number> {
    return this.newestVersion('dataset_versions', 'dataset_id', datasetId, at)
  }

  async modelVersionAt(modelId: string, at: Date): Promise<number> {
    return this.newestVersion('model_versions', 'model_id', modelId, at)
  }

  /** @param branch null: all but those of versions in quarantine */
  async datasetVersionsAfter(
    datasetId: string,
    branch: string | null,
    version: number,
    limit: number,
  ): Promise<{ version: number; root: string; rows: string }[]> {
    return this.dataSource.query(
      `SELECT version, root, rows FROM dataset_versions
       WHERE dataset_id = $1 AND version > $2
         AND CASE WHEN $4::text IS NULL THEN branch NOT LIKE $5 ELSE branch = $4 END
       ORDER BY version LIMIT $3`,
      [datasetId, version, limit, branch, quarantineOf('%')],
    )
  }

  async modelVersionsAfter(
    modelId: string,
    version: number,
    limit: number,
  ): Promise<{ version: number; metrics: unknown }[]> {
    return this.dataSource.query(
      `SELECT version, metrics FROM model_versions
       WHERE model_id = $1 AND version > $2 ORDER BY version LIMIT $3`,
      [modelId, version, limit],
    )
  }

  private async newestVersion(table: string, column: string, id: string, at: Date): Promise<number> {
    const rows: { version: number }[] = await this.dataSource.query(
      `SELECT coalesce(max(version), 0) AS version FROM ${table} WHERE ${column} = $1 AND created_at <= $2`,
      [id, at],
    )
    return rows[0]!.version
  }

  private async unseen<T>(
    rows: string,
    { sensorId, incarnation, since, seenUntil, limit }: UnseenOf,
    more: readonly unknown[],
  ): Promise<T[]> {
    const late = new Date((seenUntil?.getTime() ?? 0) - CLOCKS_MS)
    const after = late > since ? late : since
    return this.dataSource.query(`SELECT * FROM (${rows}) found WHERE ${UNSEEN} ORDER BY at, key LIMIT $4`, [
      sensorId,
      incarnation,
      after,
      limit,
      ...more,
    ])
  }
}
