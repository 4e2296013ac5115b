import type { Command } from 'commander'
import { readSettings } from '../../config/load.js'
import { standardPlan } from '../../infra/launcher/stack.js'
import { readState } from '../../infra/launcher/state.js'
import { stackStatus, statusTable } from '../../infra/launcher/status.js'
import { EXIT } from '../report.js'

export function status(program: Command): void {
  program
    .command('status')
    .description('show every process of the stack; exit code 1 when something is not healthy')
    .option('--json', 'as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const settings = readSettings({ embedded: true })
      // What was asked for at `up`; everything when nothing runs.
      const parts = Object.keys(readState(settings.stateDirectory).parts)
      const report = await stackStatus(standardPlan(settings, parts.length === 0 ? undefined : parts))
      console.log(json === true ? JSON.stringify(report, null, 2) : statusTable(report))
      if (!report.healthy) process.exitCode = EXIT.failed
    })
}
