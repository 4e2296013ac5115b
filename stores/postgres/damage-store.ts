import type { DataSource } from 'typeorm'
import type { DamagedObject } from '../../contracts/temporal/data-verification.js'

/** An object that is not what it is to be. */
export interface Damage {
  readonly uri: string
  readonly what: string
  /** It was not there at all. */
  readonly missing: boolean
}

export interface DamagedPack {
  readonly id: string
  readonly bytes: number
}

/**
 * What a verification has found damaged. It is noted before it is healed: an attempt that comes after a kill finds it
 * whole, and still knows.
 */
export class DamageStore {
  constructor(private readonly dataSource: DataSource) {}

  /** Again, it changes nothing. */
  async note(runId: string, { uri, what, missing }: Damage, pack: DamagedPack | null = null): Promise<void> {
    await this.dataSource.query(
      `INSERT INTO data_damages (run_id, uri, what, missing, pack_id, bytes, found_at)
       VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp()) ON CONFLICT DO NOTHING`,
      [runId, uri, what, missing, pack?.id ?? null, pack?.bytes ?? null],
    )
  }

  async healed(runId: string, { uri, what }: Damage, healed: boolean): Promise<void> {
    await this.dataSource.query(
      'UPDATE data_damages SET healed = $4 WHERE run_id = $1 AND uri = $2 AND what = $3',
      [runId, uri, what, healed],
    )
  }

  /** It is none, or is known by another name. */
  async drop(runId: string, { uri, what }: Pick<Damage, 'uri' | 'what'>): Promise<void> {
    await this.dataSource.query('DELETE FROM data_damages WHERE run_id = $1 AND uri = $2 AND what = $3', [
      runId,
      uri,
      what,
    ])
  }

  /** Damaged objects that are no packs, as they were found. What was whole when it was looked at again was healed. */
  async objects(runId: string): Promise<(Damage & DamagedObject)[]> {
    return this.dataSource.query(
      `SELECT uri, what, missing, coalesce(healed, true) AS healed FROM data_damages
       WHERE run_id = $1 AND pack_id IS NULL ORDER BY found_at, uri`,
      [runId],
    )
  }

  /** Those of one name that are not healed. */
  async unhealed(runId: string, what: string): Promise<string[]> {
    const rows: { uri: string }[] = await this.dataSource.query(
      'SELECT uri FROM data_damages WHERE run_id = $1 AND what = $2 AND healed IS NULL ORDER BY uri',
      [runId, what],
    )
    return rows.map(({ uri }) => uri)
  }

  /** Damaged packs behind one, up to another, or all of them behind it. */
  async packs(runId: string, after: string, last: string | null): Promise<DamagedPack[]> {
    return this.dataSource.query(
      `SELECT pack_id AS id, bytes FROM data_damages
       WHERE run_id = $1 AND pack_id > $2 AND ($3::bigint IS NULL OR pack_id <= $3) ORDER BY pack_id`,
      [runId, after, last],
    )
  }

  async forget(runId: string): Promise<void> {
    await this.dataSource.query('DELETE FROM data_damages WHERE run_id = $1', [runId])
  }
}
