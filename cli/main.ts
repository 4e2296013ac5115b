#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { EXIT, report } from './report.js'

type AddCommand = (program: Command) => void | Promise<void>

/** One file per command under commands/: it adds itself to the program. Only the one that is asked for is loaded. */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  up: async () => (await import('./commands/up.js')).up,
  down: async () => (await import('./commands/down.js')).down,
  status: async () => (await import('./commands/status.js')).status,
  apply: async () => (await import('./commands/apply.js')).apply,
  data: async () => (await import('./commands/data/data.js')).data,
  clean: async () => (await import('./commands/clean.js')).clean,
  doctor: async () => (await import('./commands/doctor.js')).doctor,
  engines: async () => (await import('./commands/engines.js')).engines,
  servers: async () => (await import('./commands/servers.js')).servers,
  migrate: async () => (await import('./commands/migrate.js')).migrate,
  check: async () => (await import('./commands/check.js')).check,
  repair: async () => (await import('./commands/repair.js')).repair,
  backup: async () => (await import('./commands/backup.js')).backup,
  restore: async () => (await import('./commands/restore.js')).restore,
  workers: async () => (await import('./commands/workers.js')).workers,
}

let unread: Error | undefined
// Whoever reads what is printed has stopped, as `head` does: nobody is left to be told anything.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  unread = error
})

const program = new Command('mlforge')
  .description('MLOps where training, data versioning, rollouts and drift checks are durable workflows')
  .addHelpText('after', '\nExit codes: 0 done, 1 failed or not healthy, 2 wrong usage or configuration.')
  .exitOverride()
const asked = COMMANDS[process.argv[2] ?? '']
for (const load of asked ? [asked] : Object.values(COMMANDS)) await (await load())(program)

try {
  await program.parseAsync()
} catch (error) {
  // commander has already printed what is wrong with the command line, or the help that was asked for.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage
  else process.exitCode = error === unread ? EXIT.done : report(error)
}
