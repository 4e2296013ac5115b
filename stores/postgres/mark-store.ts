import type { DataSource } from 'typeorm'
import type { Named } from '../../domain/data/walk.js'
import { RUN_UNDER_WAY } from './lease-sql.js'

/**
 * Chunks `c` that run $1 has marked as needed. Each is looked up (`OFFSET 0` keeps it so): the marks have just been
 * written, and nobody knows yet how many they are.
 */
export const NEEDED_CHUNKS = `data_chunks c CROSS JOIN LATERAL (
  SELECT FROM data_marks WHERE run_id = $1 AND sha256 = c.sha256 OFFSET 0) needed`

const binary = (hash: string): Buffer => Buffer.from(hash, 'hex')

/** What a collection has found to be needed: kept in a table, so that it is as large as it has to be, and outlives a kill. */
export class MarkStore {
  constructor(private readonly dataSource: DataSource) {}

  /** Marks the roots of all versions of a project that are not retired, but for some. */
  async markRoots(runId: string, project: string, without: readonly string[]): Promise<void> {
    await this.dataSource.query(
      `INSERT INTO data_marks (run_id, sha256, is_node, is_open)
       SELECT DISTINCT $1::uuid, decode(v.manifest, 'hex'), true, true
       FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id
       WHERE d.project = $2 AND v.manifest IS NOT NULL AND v.retired_at IS NULL AND v.id <> ALL($3::uuid[])
       ON CONFLICT (run_id, sha256) DO UPDATE SET is_node = true, is_open = true WHERE NOT data_marks.is_node`,
      [runId, project, without],
    )
  }

  /** Nodes whose entries are not marked yet. */
  async open(runId: string, limit: number): Promise<string[]> {
    const rows: { sha256: Buffer }[] = await this.dataSource.query(
      'SELECT sha256 FROM data_marks WHERE run_id = $1 AND is_open LIMIT $2',
      [runId, limit],
    )
    return rows.map(({ sha256 }) => sha256.toString('hex'))
  }

  /** The entries of some nodes are marked, and so the nodes are done with. */
  async close(runId: string, nodes: readonly string[], entries: readonly Named[]): Promise<void> {
    // What is a chunk of one file may be a node of another version: then it is looked into.
    const found = new Map<string, boolean>()
    for (const { sha256, isNode } of entries) found.set(sha256, isNode || found.get(sha256) === true)
    const all = [...found]
    await this.dataSource.transaction(async transaction => {
      await transaction.query(
        `INSERT INTO data_marks (run_id, sha256, is_node, is_open)
         SELECT $1::uuid, sha256, is_node, is_node FROM unnest($2::bytea[], $3::boolean[]) AS e(sha256, is_node)
         ON CONFLICT (run_id, sha256) DO UPDATE SET is_node = true, is_open = true
           WHERE EXCLUDED.is_node AND NOT data_marks.is_node`,
        [runId, all.map(([sha256]) => binary(sha256)), all.map(([, isNode]) => isNode)],
      )
      await transaction.query(
        'UPDATE data_marks SET is_open = false WHERE run_id = $1 AND sha256 = ANY($2::bytea[])',
        [runId, nodes.map(binary)],
      )
    })
  }

  /** Those of some chunks that are needed. */
  async among(runId: string, chunks: readonly string[]): Promise<Set<string>> {
    const rows: { sha256: Buffer }[] = await this.dataSource.query(
      'SELECT sha256 FROM data_marks WHERE run_id = $1 AND sha256 = ANY($2::bytea[])',
      [runId, chunks.map(binary)],
    )
    return new Set(rows.map(({ sha256 }) => sha256.toString('hex')))
  }

  /**
   * Forgets what runs have left that have ended, and the steps that relied on it: one that is retried marks anew,
   * since without marks everything would be needless, or whole.
   */
  async forgetEnded(limit: number): Promise<void> {
    const ended: { id: string }[] = await this.dataSource.query(
      `SELECT r.id FROM runs r WHERE r.kind IN ('collection', 'verification') AND NOT ${RUN_UNDER_WAY}
         AND (EXISTS (SELECT 1 FROM data_marks m WHERE m.run_id = r.id)
           OR EXISTS (SELECT 1 FROM data_damages d WHERE d.run_id = r.id))`,
    )
    for (const { id } of ended) {
      await this.dataSource.transaction(async transaction => {
        // Whoever retries it waits, or has done so.
        const over: unknown[] = await transaction.query(
          `SELECT r.id FROM runs r WHERE r.id = $1 AND NOT ${RUN_UNDER_WAY} FOR UPDATE`,
          [id],
        )
        if (over.length === 0) return
        await transaction.query('DELETE FROM ledger_steps WHERE run_id = $1', [id])
        await transaction.query('DELETE FROM data_damages WHERE run_id = $1', [id])
        while (await this.forget(id, limit, transaction));
      })
    }
  }

  /** Forgets some of them. @returns whether there may be more */
  async forget(runId: string, limit: number, manager = this.dataSource.manager): Promise<boolean> {
    const [, removed]: [unknown, number] = await manager.query(
      `DELETE FROM data_marks WHERE ctid = ANY(ARRAY(SELECT ctid FROM data_marks WHERE run_id = $1 LIMIT $2))`,
      [runId, limit],
    )
    return removed === limit
  }
}
