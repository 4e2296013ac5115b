import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { eventually } from '../support/eventually.js'
import type { Stack } from './stack.js'

const DEMO = fileURLToPath(new URL('../../examples/bike-sharing/demo.js', import.meta.url))
const DEADLINE_MS = 800_000

/** The demo as `make demo` starts it once the stack is up. */
export class Demo {
  output = ''
  private readonly child: ChildProcess
  private readonly closed: Promise<number | null>

  constructor(stack: Stack) {
    const { MLFORGE_STATE_DIRECTORY } = stack.env
    this.child = spawn(process.execPath, ['--enable-source-maps', DEMO], {
      env: { ...process.env, MLFORGE_STATE_DIRECTORY },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text))
    }
    this.closed = new Promise((resolve, reject) => {
      this.child.once('error', reject)
      this.child.once('close', resolve)
    })
  }

  /** @throws when the demo ends, or the deadline comes, before it has said so */
  async says(pattern: RegExp): Promise<void> {
    const found = () => {
      if (!pattern.test(this.output)) throw new Error(`The demo has not said ${pattern}:\n${this.output}`)
    }
    await Promise.race([eventually(found, { deadlineMs: DEADLINE_MS }), this.closed.then(found)])
  }

  /** SIGKILL; harmless when it has ended. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.closed
  }

  /** Exit code. */
  async ends(): Promise<number | null> {
    return this.closed
  }
}
