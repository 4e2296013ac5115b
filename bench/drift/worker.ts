import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../test/support/ports.js'
import { eventually } from '../../test/support/eventually.js'
import type { Needed } from './probe.js'

const MAIN = fileURLToPath(new URL('../../worker/main.js', import.meta.url))
const PROBE = new URL('./probe.js', import.meta.url).href

/** A worker of the product, in a process of its own, that can be asked what it has needed. */
export class ProbedWorker {
  private constructor(private readonly child: ChildProcess) {}

  static async start(
    queue: 'io' | 'workflows',
    env: Readonly<Record<string, string>>,
  ): Promise<ProbedWorker> {
    const port = await freePort()
    const child = fork(MAIN, [`--queues=${queue}`], {
      execArgv: ['--enable-source-maps', '--import', PROBE],
      env: { ...process.env, ...env, MLFORGE_WORKER_PORT: String(port), MLFORGE_LOG_LEVEL: 'warn' },
    })
    const worker = new ProbedWorker(child)
    await eventually(
      async () => {
        const { ok } = await fetch(`http://127.0.0.1:${port}/ready`)
        if (!ok) throw new Error(`worker ${queue} is not ready`)
      },
      { deadlineMs: 60_000 },
    )
    await worker.needed()
    return worker
  }

  async needed(): Promise<Needed> {
    const answer = once(this.child, 'message')
    this.child.send('needed')
    return ((await answer) as [Needed])[0]
  }

  async stop(): Promise<void> {
    const exited = once(this.child, 'exit')
    this.child.kill('SIGTERM')
    await exited
  }
}
