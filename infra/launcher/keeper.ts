import { setTimeout as delay } from 'node:timers/promises'
import { MlforgeError } from '../../domain/errors.js'
import { fingerprintOf, type Children } from './children.js'
import { rotate, tail } from './logs.js'
import { statePaths } from './paths.js'
import type { PartContext, ProcessPart } from './plan.js'
import { isFree } from './ports.js'
import { isAlive, until } from './proc.js'
import type { ChildRecord, PartState, StateFile } from './state.js'

const BACK_OFF_MS = { first: 200, most: 10_000 }
const CRASHES = { limit: 5, windowMs: 60_000 }
const PORT_LOOK_MS = 500

class PortTaken extends MlforgeError {
  constructor(port: number) {
    super('unavailable', `Port ${port} of 127.0.0.1 is taken by another process. Free it.`)
  }
}

/** How long to wait before the next start, after this many crashes in a row. */
export function backOffMs(crashes: number): number {
  return Math.min(BACK_OFF_MS.most, BACK_OFF_MS.first * 2 ** Math.max(0, crashes - 1))
}

/** Keeps one process of the stack running. */
export class Keeper {
  #restarts = 0
  #crashes: number[] = []
  #wasReady = false

  constructor(
    private readonly part: ProcessPart,
    private readonly order: number,
    private readonly stateDirectory: string,
    private readonly file: StateFile,
    private readonly children: Children,
    private readonly context: PartContext,
    private readonly changed: () => void,
  ) {}

  /** Resolves when the process is ready for the first time, and goes on keeping it so. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#keep(resolve).catch(reject)
    })
  }

  async #keep(onReady: () => void): Promise<never> {
    let record = await this.#adopt()
    for (;;) {
      try {
        record ??= await this.#startOnce()
        await this.part.afterReady?.(this.context)
        this.#status('ready')
        this.#wasReady = true
        onReady()
        await this.#watch(record)
        this.context.log(`${this.part.name} (pid ${record.pid}) ended by itself`)
      } catch (error) {
        this.context.log(`${this.part.name} did not start: ${(error as Error).message}`)
        if (error instanceof PortTaken && this.#wasReady) {
          // Others know it by that port: it is back when whoever has taken the port meanwhile gives it back.
          this.#status('backing off', error.message)
          await delay(PORT_LOOK_MS)
          continue
        }
      }
      // Whatever is left of its group must be gone before the next one takes its place.
      await this.children.stop(this.part.name)
      record = undefined
      await this.#afterCrash()
    }
  }

  /** Takes over a healthy process that an earlier supervisor started in the same way; stops any other. */
  async #adopt(): Promise<ChildRecord | undefined> {
    const record = this.file.state.children[this.part.name]
    if (record === undefined) return undefined
    if (isAlive(record)) {
      const same = fingerprintOf(await this.part.command(this.context)) === record.fingerprint
      this.#status('starting', 'waiting for the one of an earlier start')
      // As long as one that is started may take: on a busy machine a healthy one may not answer at once either.
      if (same && (await this.#settles(record)) && isAlive(record)) {
        this.context.log(`${this.part.name} (pid ${record.pid}) is adopted`)
        return record
      }
    }
    this.#status('starting', 'stopping the one of an earlier start')
    await this.children.stop(this.part.name)
    return undefined
  }

  async #startOnce(): Promise<ChildRecord> {
    const { part, context } = this
    this.#status('starting')
    rotate(statePaths(this.stateDirectory).log(part.name))
    await part.prepare?.(context)
    for (const { name } of part.ports) {
      const port = context.port(name)
      if (!(await isFree(port))) throw new PortTaken(port)
    }
    const command = await part.command(context)
    const [first] = part.ports
    const record = await this.children.start(part.name, part.name, command, {
      order: this.order,
      stopSignal: part.stopSignal,
      stopDeadlineMs: part.stopDeadlineMs,
      ...(first === undefined ? {} : { port: context.port(first.name) }),
    })
    this.changed()
    const settled = await this.#settles(record)
    if (!isAlive(record)) throw new MlforgeError('unavailable', 'it ended before it was ready.')
    if (!settled) {
      throw new MlforgeError('unavailable', `it was not ready within ${part.startDeadlineMs / 1000} s.`)
    }
    return record
  }

  /** Waits until a process is ready or has ended; false where neither comes in time. */
  #settles(record: ChildRecord): Promise<boolean> {
    return until(async () => !isAlive(record) || (await this.#isReady()), this.part.startDeadlineMs, 50)
  }

  async #isReady(): Promise<boolean> {
    try {
      return await this.part.ready(this.context)
    } catch {
      return false
    }
  }

  async #watch(record: ChildRecord): Promise<void> {
    // Polled, because an adopted process is no child of this one and reports no end.
    for (let look = 1; isAlive(record); look++) {
      if (look % 300 === 0) rotate(statePaths(this.stateDirectory).log(this.part.name))
      await delay(100)
    }
  }

  async #afterCrash(): Promise<void> {
    const now = Date.now()
    this.#crashes = [...this.#crashes.filter(time => now - time < CRASHES.windowMs), now]
    const log = statePaths(this.stateDirectory).log(this.part.name)
    if (this.#crashes.length >= CRASHES.limit) {
      const message = `${this.#crashes.length} crashes within a minute. Last lines of ${log}:\n${tail(log)}`
      this.#status('failed', message)
      throw new MlforgeError('unavailable', `${this.part.name}: ${message}`)
    }
    const wait = backOffMs(this.#crashes.length)
    this.#restarts++
    this.#status('backing off', `ended by itself; next start in ${wait / 1000} s`)
    await delay(wait)
  }

  #status(state: PartState, message?: string): void {
    this.file.setPart(this.part.name, {
      state,
      restarts: this.#restarts,
      ...(message === undefined ? {} : { message }),
    })
    this.changed()
  }
}
