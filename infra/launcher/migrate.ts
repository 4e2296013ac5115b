import { migrate } from '../../stores/postgres/migrate.js'

/** Brings the database to the schema of this version; tells which migrations it applied. */
export async function migrateDatabase(postgresUrl: string): Promise<readonly string[]> {
  return (await migrate(postgresUrl)).applied
}
