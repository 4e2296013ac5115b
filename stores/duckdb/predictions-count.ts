import type { DuckDbOptions } from './duckdb.js'
import { withPredictions } from './predictions.js'

export interface LoggedCounts {
  /** Records whose replica and sequence another one has too. */
  readonly repeated: number
  /** Distinct prediction ids by version and role; one answered by several counts where it was answered first. */
  readonly ids: readonly { readonly version: number; readonly role: string; readonly count: number }[]
}

/** Counts what a deployment's files hold, in the order of versions and roles. */
export async function countLogged(files: readonly string[], options: DuckDbOptions): Promise<LoggedCounts> {
  return withPredictions({ files }, options, async db => {
    const [records] = await db.query(
      'SELECT count(*) - count(DISTINCT (replica, sequence)) AS repeated FROM logged',
    )
    const ids = await db.query(`SELECT version, role, count(*) AS count
      FROM (SELECT version, role FROM answered UNION ALL SELECT version, role FROM mirrored UNION ALL
        SELECT version, role FROM (SELECT DISTINCT id, version, role FROM logged WHERE role = 'pinned'))
      GROUP BY ALL ORDER BY ALL`)
    return {
      repeated: records!['repeated'] as number,
      ids: ids as unknown as LoggedCounts['ids'],
    }
  })
}
