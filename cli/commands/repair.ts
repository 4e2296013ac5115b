import type { Command } from 'commander'
import { EXIT } from '../report.js'
import { runningStackConfig } from '../running-stack.js'

export function repair(program: Command): void {
  program
    .command('repair')
    .description('close runs that nobody will close, give back what they held, then check what is left')
    .action(async () => {
      const config = runningStackConfig()
      // Loaded here, so that other commands start without TypeORM and Temporal's client.
      await import('reflect-metadata')
      const { repairStack } = await import('../../infra/launcher/repair.js')
      const { looked, closed, lost, archived } = await repairStack(config)
      console.log(`${looked} open runs looked at, ${archived} histories archived`)
      for (const id of closed) console.log(`closed ${id}: its workflow had ended`)
      for (const id of lost) console.log(`closed ${id}: Temporal knows no workflow of it; retry it`)
      const { checkStack } = await import('../../infra/launcher/check.js')
      const { ok, problems, unreachable } = await checkStack(config)
      for (const { part, message } of unreachable) console.log(`NOT REACHED ${part}: ${message}`)
      for (const { code, at, message } of problems) console.log(`LEFT ${code} ${at}: ${message}`)
      if (ok) console.log('Nothing is wrong.')
      else process.exitCode = EXIT.failed
    })
}
