import type { Command } from 'commander'
import { readSettings } from '../../config/load.js'
import { installEngines } from '../../infra/launcher/engines.js'

export function engines(program: Command): void {
  program
    .command('engines')
    .description('training engines')
    .command('install')
    .description('fetch the pinned libraries of the training engines into the cache')
    .action(() => installEngines(readSettings().cacheDirectory, console.log))
}
