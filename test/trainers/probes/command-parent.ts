// A process to be killed: runs the command that it gets as its argument, and passes on what that prints.
import { writeSync } from 'node:fs'
import { runCommand } from '../../../trainers/command.js'

await runCommand(
  { command: JSON.parse(process.argv[2]!) as string[], cwd: '/', environment: { PATH: '/usr/bin:/bin' } },
  { signal: new AbortController().signal, onLine: line => void writeSync(1, `${line}\n`) },
)
