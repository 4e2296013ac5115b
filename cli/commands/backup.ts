import type { Command } from 'commander'
import { readSettings } from '../../config/load.js'
import { runningStackConfig } from '../running-stack.js'

export function backup(program: Command): void {
  program
    .command('backup <file.tar.gz>')
    .description('write rows, open workflows, objects and keys into one file; the stack may be at work')
    .option('--json', 'print the result as JSON, progress on the error output')
    .action(async (file: string, { json }: { json?: boolean }) => {
      const config = runningStackConfig()
      const embeddedTemporal = readSettings({ embedded: true }).temporal.address === undefined
      // Loaded here, so that other commands start without TypeORM.
      await import('reflect-metadata')
      const { backup: run } = await import('../../infra/launcher/backup.js')
      const progress = json === true ? console.error : console.log
      const result = await run({ config, embeddedTemporal, file, progress })
      if (json === true) console.log(JSON.stringify(result, null, 2))
      else {
        console.log(`Wrote ${result.file} (${result.bytes} bytes). It holds the keys: keep it safe.`)
        if (result.bucket !== null)
          console.log(
            `Its ${result.objects} objects stay in bucket ${result.bucket}: restore needs them there.`,
          )
      }
    })
}
