import { join } from 'node:path'
import type { Command } from 'commander'
import { distRoot } from '../../infra/launcher/package-root.js'
import { runningStackConfig } from '../running-stack.js'

export function migrate(program: Command): void {
  program
    .command('migrate')
    .description('bring the database to the schema of this version; run by up')
    .action(async () => {
      const { postgres } = runningStackConfig()
      const module = join(distRoot, 'stores', 'postgres', 'migrate.js')
      const { migrate: run } = (await import(module)) as { migrate(url: string): Promise<void> }
      await run(postgres.url)
      console.log('The database has the schema of this version.')
    })
}
