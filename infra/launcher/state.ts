import { readIfPresent, writeDurably } from './files.js'
import { statePaths } from './paths.js'
import type { ProcessIdentity } from './proc.js'

/** Everything that `down` needs to know about a process, even when its supervisor is long dead. */
export interface ChildRecord extends ProcessIdentity {
  readonly port?: number
  /** Depth in the order of starting; stopped from the highest down. */
  readonly order: number
  /** Hash of command, environment and code: a process started otherwise is not adopted. */
  readonly fingerprint: string
  readonly stopSignal: NodeJS.Signals
  readonly stopDeadlineMs: number
  readonly startedAt: string
}

export type PartState = 'waiting' | 'starting' | 'ready' | 'backing off' | 'failed' | 'done' | 'external'

export interface PartStatus {
  readonly state: PartState
  /** How often it was started again after it had ended by itself. */
  readonly restarts: number
  readonly message?: string
}

export interface StackState {
  readonly version: 1
  readonly supervisor?: (ProcessIdentity & { readonly fingerprint: string }) | undefined
  readonly phase: 'starting' | 'ready' | 'failed' | 'stopped'
  readonly message?: string | undefined
  /** Ports by name, kept from start to start. */
  readonly ports: Readonly<Record<string, number>>
  readonly children: Readonly<Record<string, ChildRecord>>
  readonly parts: Readonly<Record<string, PartStatus>>
}

const EMPTY_STATE: StackState = { version: 1, phase: 'stopped', ports: {}, children: {}, parts: {} }

/** What is recorded about the stack in this directory; only the holder of the lock may change it. */
export function readState(stateDirectory: string): StackState {
  const text = readIfPresent(statePaths(stateDirectory).state)
  return text === undefined ? EMPTY_STATE : (JSON.parse(text) as StackState)
}

export class StateFile {
  #state: StackState

  constructor(private readonly stateDirectory: string) {
    this.#state = readState(stateDirectory)
  }

  get state(): StackState {
    return this.#state
  }

  update(change: Partial<StackState>): void {
    this.#state = { ...this.#state, ...change }
    writeDurably(statePaths(this.stateDirectory).state, `${JSON.stringify(this.#state, null, 2)}\n`)
  }

  setChild(name: string, record: ChildRecord | undefined): void {
    const { [name]: _, ...others } = this.#state.children
    this.update({ children: record === undefined ? others : { ...others, [name]: record } })
  }

  setPart(name: string, status: PartStatus): void {
    this.update({ parts: { ...this.#state.parts, [name]: status } })
  }

  setPort(name: string, port: number): void {
    if (this.#state.ports[name] !== port) this.update({ ports: { ...this.#state.ports, [name]: port } })
  }
}
