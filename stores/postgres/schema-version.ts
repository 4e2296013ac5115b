import type { DataSource } from 'typeorm'
import { MlforgeError } from '../../domain/errors.js'
import { MIGRATIONS } from './data-source.js'

/**
 * Refuses to run against a schema that is not this release's.
 * @throws MlforgeError schema_version, with the one command to run
 */
export async function assertSchema(dataSource: DataSource): Promise<void> {
  const known = MIGRATIONS.map(migration => migration.name)
  const exists: { found: boolean }[] = await dataSource.query(
    `SELECT to_regclass('migrations') IS NOT NULL AS found`,
  )
  const rows: { name: string }[] = exists[0]?.found
    ? await dataSource.query('SELECT name FROM migrations ORDER BY id')
    : []
  const applied = rows.map(row => row.name)
  const missing = known.filter(name => !applied.includes(name))
  const unknown = applied.filter(name => !known.includes(name))
  if (unknown.length > 0) {
    throw new MlforgeError(
      'schema_version',
      `The database is newer than this release (it has ${unknown.join(', ')}). Install the newer release.`,
    )
  }
  if (missing.length > 0) {
    throw new MlforgeError(
      'schema_version',
      `The database lacks ${missing.join(', ')}. Run "mlforge migrate".`,
    )
  }
}
