import type { Command } from 'commander'
import { readSettings } from '../../config/load.js'
import { down as stop } from '../../infra/launcher/down.js'

export function down(program: Command): void {
  program
    .command('down')
    .description('stop every process of the stack; its data stay')
    .action(async () => {
      await stopAll(readSettings({ embedded: true }).stateDirectory)
    })
}

/** Stops the stack of a directory, and says so. */
export async function stopAll(stateDirectory: string): Promise<void> {
  const running = await stop(stateDirectory, console.log)
  console.log(running === 0 ? 'Nothing was running.' : `Stopped ${running} processes.`)
}
