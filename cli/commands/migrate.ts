import type { Command } from 'commander'
import { runningStackConfig } from '../running-stack.js'

export function migrate(program: Command): void {
  program
    .command('migrate')
    .description('bring the database to the schema of this version; run by up')
    .action(async () => {
      const { postgres } = runningStackConfig()
      // Loaded here, so that other commands start without TypeORM.
      const { migrateDatabase } = await import('../../infra/launcher/migrate.js')
      for (const name of await migrateDatabase(postgres.url)) console.log(`applied ${name}`)
      console.log('The database has the schema of this version.')
    })
}
