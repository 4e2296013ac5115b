import type { Command } from 'commander'

type AddCommands = (data: Command) => void

const local = async (): Promise<AddCommands> => (await import('./local.js')).localCommands
const remote = async (): Promise<AddCommands> => (await import('./remote.js')).remoteCommands
const keeping = async (): Promise<AddCommands> => (await import('./keeping.js')).keepingCommands
const retention = async (): Promise<AddCommands> => (await import('./retention.js')).retentionCommand
const dvc = async (): Promise<AddCommands> => (await import('./dvc.js')).dvcCommands
const fsck = async (): Promise<AddCommands> => (await import('./fsck.js')).fsckCommand
const profile = async (): Promise<AddCommands> => (await import('./profile.js')).profileCommand
const expectations = async (): Promise<AddCommands> => (await import('./expectations.js')).expectationsCommand

const ALL = [local, remote, keeping, retention, dvc, fsck, profile, expectations]

/** Where commands are that are called often: nothing else is loaded for them. */
const OFTEN: Readonly<Record<string, () => Promise<AddCommands>>> = {
  init: local,
  add: local,
  status: local,
  commit: local,
  push: remote,
  pull: remote,
  checkout: remote,
  get: remote,
}

export async function data(program: Command): Promise<void> {
  const commands = program
    .command('data')
    .description('version data: files in a directory, kept like code, in a store without doubles')
  const asked = OFTEN[process.argv[3] ?? '']
  for (const load of asked ? [asked] : ALL) (await load())(commands)
}
