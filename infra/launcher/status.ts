import type { PartContext, Plan, PlanPart } from './plan.js'
import { isAlive } from './proc.js'
import { readState, type StackState } from './state.js'

export interface PartReport {
  readonly name: string
  readonly healthy: boolean
  readonly state: string
  readonly pid?: number
  readonly port?: number
  readonly startedAt?: string
  readonly restarts: number
  readonly message?: string
}

export interface StackReport {
  readonly healthy: boolean
  readonly supervisor: { readonly running: boolean; readonly pid?: number }
  readonly parts: readonly PartReport[]
}

/** How the stack is now: every process is looked at, whatever the supervisor last wrote, or whether it lives. */
export async function stackStatus(plan: Plan): Promise<StackReport> {
  const state = readState(plan.stateDirectory)
  const running = state.supervisor !== undefined && isAlive(state.supervisor)
  const shown = plan.parts.filter(part => part.kind !== 'task')
  const parts = await Promise.all(shown.map(part => partReport(part, state)))
  return {
    healthy: running && parts.every(part => part.healthy),
    supervisor: running ? { running, pid: state.supervisor.pid } : { running },
    parts,
  }
}

async function partReport(part: PlanPart, state: StackState): Promise<PartReport> {
  const { restarts = 0, message, state: written } = state.parts[part.name] ?? {}
  const base = { name: part.name, restarts, ...(message === undefined ? {} : { message }) }
  if (part.kind !== 'process') {
    const address = part.kind === 'external' ? { message: part.address } : {}
    return { ...base, ...address, healthy: true, state: 'external' }
  }
  const child = state.children[part.name]
  if (child === undefined || !isAlive(child)) {
    const isUnattended = written === undefined || written === 'ready' || written === 'starting'
    return { ...base, healthy: false, state: isUnattended ? 'not running' : written }
  }
  const healthy = await isReady(part, state)
  return {
    ...base,
    healthy,
    state: healthy ? 'ready' : 'not ready',
    pid: child.pid,
    startedAt: child.startedAt,
    ...(child.port === undefined ? {} : { port: child.port }),
  }
}

async function isReady(part: PlanPart & { kind: 'process' }, state: StackState): Promise<boolean> {
  const refuse = () => Promise.reject(new Error('A ready check starts nothing.'))
  const context: PartContext = {
    port: name => state.ports[name] ?? 0,
    runToEnd: refuse,
    log: () => undefined,
  }
  try {
    return await part.ready(context)
  } catch {
    return false
  }
}

/** The report as a table for people. */
export function statusTable({ supervisor, parts }: StackReport): string {
  const rows = [
    ['PART', 'STATE', 'PID', 'PORT', 'RESTARTS', 'SINCE'],
    [
      'supervisor',
      supervisor.running ? 'running' : 'not running',
      String(supervisor.pid ?? '-'),
      '-',
      '-',
      '-',
    ],
    ...parts.map(({ name, state, pid, port, restarts, startedAt }) =>
      [name, state, pid ?? '-', port ?? '-', restarts, startedAt ?? '-'].map(String),
    ),
  ]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  const table = rows.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
  const notes = parts.filter(part => !part.healthy && part.message !== undefined)
  return [...table, ...notes.map(({ name, message }) => `\n${name}: ${message}`)].join('\n')
}
