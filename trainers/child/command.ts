// The leader of the group in which a command runs, started by ../command.ts with the pid of its parent
// as the only argument, the job on stdin, and two pipes. What the command prints goes where ours does.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import type { CommandJob, CommandMessage } from '../command-protocol.js'
import { CONTROL_FD, EVENT_FD } from '../protocol.js'
import { dieWithControlPipe, dieWithParent, dieWithPipeAlone, leave } from './guard.js'
import { outputPipe } from './pipe.js'

/** A process that the command has left running may hold its output open for ever: quiet for so long, or in all. */
const QUIET_MS = 1_000
const DRAIN_MS = 10_000

// First of all: nothing below may outlive the parent.
dieWithParent(Number(process.argv[2]))
await dieWithControlPipe(CONTROL_FD)
dieWithPipeAlone()
// They are for the command; the leader stays to tell how it has ended.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)

function end(message: CommandMessage): never {
  writeSync(EVENT_FD, `${JSON.stringify(message)}\n`)
  return leave(0)
}

function notStarted(error: unknown): never {
  const { code = 'unknown', message } = error as NodeJS.ErrnoException
  return end({ event: 'not_started', code, message })
}

/** Once nothing comes any more, nor waits for the parent to read it. */
async function quiet(): Promise<void> {
  let before: number
  do {
    before = heard
    await wait(QUIET_MS)
  } while (heard > before || process.stdout.writableLength + process.stderr.writableLength > 0)
}

/** Once the parent has all that was printed: what is still to be written would end with us. */
async function taken(): Promise<void> {
  const flushed = (stream: NodeJS.WriteStream) =>
    new Promise<void>(resolve => stream.write('', () => resolve()))
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
}

const { command, cwd, environment } = JSON.parse(readFileSync(0, 'utf8')) as CommandJob
const [program, ...args] = command
const [out, err] = [outputPipe(), outputPipe()]
let heard = 0
for (const { reader } of [out, err]) reader.on('data', () => heard++)
out.reader.pipe(process.stdout)
err.reader.pipe(process.stderr)
const closed = Promise.all([once(out.reader, 'close'), once(err.reader, 'close')]).catch(() => undefined)
try {
  const child = spawn(program!, args, { cwd, env: environment, stdio: ['ignore', out.fd, err.fd] })
  child.once('error', notStarted)
  child.once('exit', (code, signal) => {
    const drained = Promise.race([closed, quiet()]).then(taken)
    void Promise.race([drained, wait(DRAIN_MS)]).then(() => end({ event: 'ended', code, signal }))
  })
} catch (error) {
  notStarted(error)
}
out.closeWriter()
err.closeWriter()
