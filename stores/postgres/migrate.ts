import { setTimeout as wait } from 'node:timers/promises'
import { MlforgeError } from '../../domain/errors.js'
import { connectPostgres } from './data-source.js'

// Any constant will do, as long as nothing else in the database uses it.
const MIGRATION_LOCK = 7_361_902

/** Brings the database to this release's schema; a second migrator waits for the first. */
export async function migrate(url: string): Promise<{ applied: string[] }> {
  const dataSource = await connectPostgres(url, 2)
  try {
    const lock = dataSource.createQueryRunner()
    try {
      await takeLock(lock)
      const applied = await dataSource.runMigrations()
      return { applied: applied.map(migration => migration.name) }
    } finally {
      await lock.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK])
      await lock.release()
    }
  } finally {
    await dataSource.destroy()
  }
}

async function takeLock(runner: {
  query(sql: string, parameters: unknown[]): Promise<unknown>
}): Promise<void> {
  const deadline = Date.now() + 60_000
  for (;;) {
    const rows = (await runner.query('SELECT pg_try_advisory_lock($1) AS taken', [MIGRATION_LOCK])) as [
      { taken: boolean },
    ]
    if (rows[0].taken) return
    if (Date.now() > deadline) {
      throw new MlforgeError(
        'unavailable',
        'Another migration has been running for a minute. Try again when it is done.',
      )
    }
    await wait(200)
  }
}
