// A process to be killed: runs the job it gets as its argument and tells the pid of the trainer.
import { writeSync } from 'node:fs'
import type { TrainJob } from '../../../trainers/protocol.js'
import { runJob } from '../../../trainers/runner.js'

const job = JSON.parse(process.argv[2]!) as TrainJob
await runJob(job, {
  scratch: job.directory,
  onEvent: event => {
    if (event.event === 'started') writeSync(1, `${JSON.stringify({ pids: [event.pid] })}\n`)
  },
})
