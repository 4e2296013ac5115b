import { join } from 'node:path'
import type { Command } from 'commander'
import type { Settings } from '../../config/config.js'
import { readSettings } from '../../config/load.js'
import { keptSecret } from '../../infra/launcher/files.js'
import { distRoot } from '../../infra/launcher/package-root.js'
import { statePaths } from '../../infra/launcher/paths.js'
import { postgresUrl } from '../../infra/launcher/postgres.js'
import { standardPlan } from '../../infra/launcher/stack.js'
import { readState } from '../../infra/launcher/state.js'
import { up } from '../../infra/launcher/up.js'

export function restore(program: Command): void {
  program
    .command('restore <file.tar.gz>')
    .description('make an empty state directory the one that was backed up; then run mlforge up')
    .option('--json', 'print the result as JSON, progress on the error output')
    .action(async (file: string, { json }: { json?: boolean }) => {
      const settings = readSettings({ embedded: true })
      await import('reflect-metadata')
      const { restore: run } = await import('../../infra/launcher/restore.js')
      const progress = json === true ? console.error : console.log
      const startPostgres = () => postgresOf(settings, progress)
      const result = await run({ settings, file, progress, startPostgres })
      if (json === true) console.log(JSON.stringify(result, null, 2))
      else console.log('Restored. mlforge up goes on with what was open.')
    })
}

/** The restored rows need a database: nothing else of the stack runs yet. */
async function postgresOf(settings: Settings, progress: (line: string) => void): Promise<string> {
  if (settings.postgres.url !== undefined) return settings.postgres.url
  const { stateDirectory } = settings
  const only = 'postgres'
  await up({
    stateDirectory,
    supervisor: [
      process.execPath,
      '--enable-source-maps',
      join(distRoot, 'infra', 'launcher', 'main.js'),
      only,
    ],
    fingerprint: standardPlan(settings, [only]).fingerprint,
    progress,
    deadlineMs: 120_000,
  })
  const port = readState(stateDirectory).ports[only] ?? 0
  return postgresUrl(port, keptSecret(statePaths(stateDirectory).postgresPassword))
}
