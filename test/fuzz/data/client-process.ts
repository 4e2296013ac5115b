import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Moment } from './case.js'
import type { Answer, ClientSettings, Command, FromClient } from './protocol.js'

const PROBE = new URL('./probes/client.js', import.meta.url)
/** Nothing that a client does takes so long, whatever is killed meanwhile. */
const ANSWER_MS = 240_000

/** A client in a process of its own, which is started again when it was killed, and goes on. */
export class ClientProcess {
  private child: ChildProcess | null = null
  private readonly listeners = new Set<(moment: Moment) => void>()
  kills = 0

  constructor(private readonly settings: ClientSettings) {}

  /** Tells it to do something, and again after each kill until it answers. */
  async ask(command: Command): Promise<Answer> {
    for (;;) {
      const child = (this.child ??= this.start())
      const answer = await this.answered(child, command)
      if (answer !== null) return answer
      this.child = null
    }
  }

  /** Calls with each moment that it comes to. @returns what ends that */
  onMoment(listener: (moment: Moment) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** @returns whether there was a process to kill */
  async kill(): Promise<boolean> {
    const { child } = this
    if (child === null || child.exitCode !== null || child.signalCode !== null) return false
    this.kills++
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
    return true
  }

  async close(): Promise<void> {
    const { child } = this
    this.child = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  private start(): ChildProcess {
    const child = fork(PROBE, [JSON.stringify(this.settings)], {
      execArgv: ['--enable-source-maps'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    child.on('message', (message: FromClient) => {
      if ('moment' in message) for (const listener of this.listeners) listener(message.moment)
    })
    return child
  }

  /** Null where it was killed meanwhile. */
  private answered(child: ChildProcess, command: Command): Promise<Answer | null> {
    return new Promise((resolve, reject) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve(null)
      const end = (done: () => void) => {
        clearTimeout(late)
        child.off('message', heard).off('exit', exited)
        done()
      }
      const late = setTimeout(
        () =>
          end(() =>
            reject(
              new Error(`${this.settings.root}: no answer to ${command.verb} within ${ANSWER_MS / 1000} s.`),
            ),
          ),
        ANSWER_MS,
      )
      const heard = (message: FromClient) => {
        if ('answer' in message) end(() => resolve(message.answer))
      }
      const exited = (code: number | null, signal: string | null) =>
        end(() => {
          if (signal === 'SIGKILL') resolve(null)
          else
            reject(new Error(`The client of ${this.settings.root} has ended by itself: ${signal ?? code}.`))
        })
      child.on('message', heard).on('exit', exited)
      // A broken channel is that of a killed process, which its exit tells of.
      child.send(command, () => undefined)
    })
  }
}
