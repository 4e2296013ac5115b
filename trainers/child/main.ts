// A training, an evaluation, an export or a scoring in a process of its own, started by ../runner.ts with
// the pid of its parent as the only argument, the job on stdin, and two pipes.
import { readFileSync, writeSync } from 'node:fs'
import { MlforgeError } from '../../domain/errors.js'
import {
  CONTROL_FD,
  EVENT_FD,
  type ChildMessage,
  type Job,
  type JobEvent,
  type ResultOf,
} from '../protocol.js'
import { dieWithControlPipe, dieWithParent, leave } from './guard.js'

// First of all: nothing below may outlive the parent.
dieWithParent(Number(process.argv[2]))
const isToStop = await dieWithControlPipe(CONTROL_FD)

function send(message: ChildMessage): void {
  const line = Buffer.from(`${JSON.stringify(message)}\n`)
  for (let sent = 0; sent < line.length;) sent += writeSync(EVENT_FD, line, sent)
}

async function run(job: Job, emit: (event: JobEvent) => void): Promise<ResultOf[Job['kind']]> {
  switch (job.kind) {
    case 'train':
      return (await import('./train.js')).train(job, { emit, isToStop })
    case 'evaluate':
      return (await import('./evaluate.js')).evaluate(job)
    case 'export':
      return (await import('./export.js')).exportOnnx(job)
    case 'score':
      return (await import('./score.js')).scoreOnnx(job)
  }
}

function fail(error: unknown): never {
  // Anything but an error of ours (a full disk, a bug) is a crash: another attempt may help.
  if (error instanceof MlforgeError) {
    send({ event: 'error', code: error.code, message: error.message, details: error.details })
  } else {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    send({ event: 'error', code: 'trainer_crashed', message, details: {} })
  }
  return leave(1)
}

process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)

try {
  const job = JSON.parse(readFileSync(0, 'utf8')) as Job
  send({ event: 'result', result: await run(job, send) })
  leave(0)
} catch (error) {
  fail(error)
}
