import type { Command } from 'commander'
import { readSettings } from '../../config/load.js'
import { examine } from '../../infra/launcher/doctor.js'
import { EXIT } from '../report.js'

export function doctor(program: Command): void {
  program
    .command('doctor')
    .description('name everything that is missing, with the line that installs it')
    .option('--json', 'as JSON')
    .option('--quiet', 'print only what is missing')
    .action(async ({ json, quiet }: { json?: boolean; quiet?: boolean }) => {
      const findings = await examine(readSettings({ embedded: true }))
      const missing = findings.filter(({ ok }) => !ok)
      if (json === true) {
        console.log(JSON.stringify({ ok: missing.length === 0, findings }, null, 2))
      } else {
        for (const { name, ok, detail, fix } of quiet === true ? missing : findings) {
          console.log(
            `${ok ? 'ok     ' : 'MISSING'}  ${name}: ${detail}${fix === undefined ? '' : `\n           ${fix}`}`,
          )
        }
      }
      if (missing.length > 0) process.exitCode = EXIT.failed
    })
}
