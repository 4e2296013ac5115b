import type { CommandOptions } from './command.js'

/** How a process is started. */
export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly uid?: number
  readonly gid?: number
  /** Hash of the code it runs, where that can change under the same path. */
  readonly build?: string
}

/** What a part of the stack may ask of the supervisor. */
export interface PartContext {
  /** Port by its name in the part's `ports`. */
  port(name: string): number
  /**
   * Runs a program to its end as a recorded child, so that `down` finds it when the supervisor dies.
   * Output goes to the part's log.
   * @throws unavailable with the last lines of the log when it fails
   */
  runToEnd(name: string, command: Command, options?: Pick<CommandOptions, 'timeoutMs'>): Promise<void>
  log(line: string): void
}

/** A port that a process listens on: `configured` 0 means any free one, kept from then on. */
export interface PortNeed {
  readonly name: string
  readonly configured: number
}

interface Part {
  readonly name: string
  /** Parts that must be ready before this one is started; they are stopped after it. */
  readonly needs: readonly string[]
}

/** A process that runs until it is told to stop, and is started again when it ends by itself. */
export interface ProcessPart extends Part {
  readonly kind: 'process'
  readonly ports: readonly PortNeed[]
  /** Before each start. */
  readonly prepare?: (context: PartContext) => Promise<void>
  readonly command: (context: PartContext) => Command | Promise<Command>
  /** One look; a refusal is `false` or an exception. */
  readonly ready: (context: PartContext) => Promise<boolean>
  /** After each time it became ready, before what needs it is started. */
  readonly afterReady?: (context: PartContext) => Promise<void>
  readonly startDeadlineMs: number
  readonly stopSignal: NodeJS.Signals
  readonly stopDeadlineMs: number
}

/** Something done once at each `up`, such as the migrations. */
export interface TaskPart extends Part {
  readonly kind: 'task'
  readonly run: (context: PartContext) => Promise<void>
}

/** A part that runs elsewhere: shown, not started. */
export interface ExternalPart extends Part {
  readonly kind: 'external'
  readonly address: string
}

export type PlanPart = ProcessPart | TaskPart | ExternalPart

export interface Plan {
  readonly stateDirectory: string
  readonly parts: readonly PlanPart[]
  /** Hash of the configuration and the code: a supervisor with another one is replaced. */
  readonly fingerprint: string
  /** Content of endpoints.json but for `processes`. */
  readonly endpoints: (port: (name: string) => number) => Record<string, unknown>
}

/** Depth of each part in the order of starting: 0 needs nothing. Needs outside the plan are ignored. */
export function depths(parts: readonly PlanPart[]): Map<string, number> {
  const byName = new Map(parts.map(part => [part.name, part]))
  const result = new Map<string, number>()
  const depth = (part: PlanPart): number => {
    const known = result.get(part.name)
    if (known !== undefined) return known
    const needs = part.needs.flatMap(name => byName.get(name) ?? [])
    const value = needs.length === 0 ? 0 : 1 + Math.max(...needs.map(depth))
    result.set(part.name, value)
    return value
  }
  parts.forEach(depth)
  return result
}
