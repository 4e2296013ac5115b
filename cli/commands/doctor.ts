import type { Command } from 'commander'

export function doctor(program: Command): void {
  program.command('doctor').description('name everything that is missing, with the line that installs it')
}
