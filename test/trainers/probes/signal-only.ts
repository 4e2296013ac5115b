// Dies by the kernel's death signal alone: no thread, no pipe, and a main thread that never wakes.
import { writeSync } from 'node:fs'
import { dieWithParent } from '../../../trainers/child/guard.js'

dieWithParent(Number(process.argv[2]))
writeSync(1, `${JSON.stringify({ pids: [process.pid] })}\n`)
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
