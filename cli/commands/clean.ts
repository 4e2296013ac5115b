import { rm } from 'node:fs/promises'
import type { Command } from 'commander'
import { readSettings } from '../../config/load.js'
import { down } from '../../infra/launcher/down.js'
import { removePostgresData } from '../../infra/launcher/postgres.js'

export function clean(program: Command): void {
  program
    .command('clean')
    .description('stop the stack and remove its state: data, objects, keys and logs')
    .action(async () => {
      const { stateDirectory } = readSettings({ embedded: true })
      await down(stateDirectory, console.log)
      await removePostgresData(stateDirectory)
      await rm(stateDirectory, { recursive: true, force: true })
      console.log(`Removed ${stateDirectory}.`)
    })
}
