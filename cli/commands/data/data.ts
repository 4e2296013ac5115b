import type { Command } from 'commander'
import { dvcCommands } from './dvc.js'
import { expectationsCommand } from './expectations.js'
import { fsckCommand } from './fsck.js'
import { keepingCommands } from './keeping.js'
import { localCommands } from './local.js'
import { profileCommand } from './profile.js'
import { remoteCommands } from './remote.js'

export function data(program: Command): void {
  const commands = program
    .command('data')
    .description('version data: files in a directory, kept like code, in a store without doubles')
  localCommands(commands)
  remoteCommands(commands)
  keepingCommands(commands)
  dvcCommands(commands)
  fsckCommand(commands)
  profileCommand(commands)
  expectationsCommand(commands)
}
