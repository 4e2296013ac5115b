#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { apply } from './commands/apply.js'
import { backup } from './commands/backup.js'
import { check } from './commands/check.js'
import { clean } from './commands/clean.js'
import { dataFsck } from './commands/data-fsck.js'
import { doctor } from './commands/doctor.js'
import { down } from './commands/down.js'
import { engines } from './commands/engines.js'
import { migrate } from './commands/migrate.js'
import { repair } from './commands/repair.js'
import { restore } from './commands/restore.js'
import { servers } from './commands/servers.js'
import { status } from './commands/status.js'
import { up } from './commands/up.js'
import { workers } from './commands/workers.js'
import { EXIT, report } from './report.js'

/** One file per command under commands/: it adds itself to the program. */
const COMMANDS = [
  up,
  down,
  status,
  apply,
  clean,
  doctor,
  engines,
  servers,
  migrate,
  check,
  repair,
  backup,
  restore,
  workers,
  dataFsck,
]

const program = new Command('mlforge')
  .description('MLOps where training, data versioning, rollouts and drift checks are durable workflows')
  .addHelpText('after', '\nExit codes: 0 done, 1 failed or not healthy, 2 wrong usage or configuration.')
  .exitOverride()
for (const add of COMMANDS) add(program)

try {
  await program.parseAsync()
} catch (error) {
  // commander has already printed what is wrong with the command line, or the help that was asked for.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage
  else process.exitCode = report(error)
}
