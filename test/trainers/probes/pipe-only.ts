// Dies by the end of the control pipe alone, as where the death signal is not to be had, and takes
// its grandchild along. The main thread never wakes.
import { spawn } from 'node:child_process'
import { writeSync } from 'node:fs'
import { dieWithControlPipe } from '../../../trainers/child/guard.js'

await dieWithControlPipe(3)
const grandchild = spawn('sleep', ['600'], { stdio: 'ignore' })
writeSync(1, `${JSON.stringify({ pids: [process.pid, grandchild.pid] })}\n`)
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
