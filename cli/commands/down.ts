import type { Command } from 'commander'
import { readSettings } from '../../config/load.js'
import { down as stop } from '../../infra/launcher/down.js'

export function down(program: Command): void {
  program
    .command('down')
    .description('stop every process of the stack; its data stay')
    .action(async () => {
      const running = await stop(readSettings({ embedded: true }).stateDirectory, console.log)
      console.log(running === 0 ? 'Nothing was running.' : `Stopped ${running} processes.`)
    })
}
