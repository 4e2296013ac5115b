import { writeDurably } from './files.js'
import { Children } from './children.js'
import { Keeper } from './keeper.js'
import { tryLock } from './lock.js'
import { statePaths } from './paths.js'
import { depths, type PartContext, type Plan, type PlanPart, type ProcessPart } from './plan.js'
import { freePort, isFree } from './ports.js'
import { identify, isAlive } from './proc.js'
import { StateFile } from './state.js'

/** Exit code of a supervisor that found another one at work. */
export const LOCKED_EXIT = 75

/**
 * Starts the parts of a plan, each as soon as what it needs is ready, and keeps the processes running
 * until this process is told to end. The children outlive it: only `down` stops them.
 */
export async function supervise(plan: Plan): Promise<void> {
  const lock = tryLock(plan.stateDirectory)
  if (lock === undefined) process.exit(LOCKED_EXIT)
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => process.exit(0))
  const self = identify(process.pid)
  if (self === undefined) throw new Error('A process must find itself in /proc. Is /proc mounted?')

  // Children do not keep the event loop alive, so that they can outlive us; this does.
  setInterval(() => undefined, 2 ** 30)
  const file = new StateFile(plan.stateDirectory)
  const waiting = { state: 'waiting', restarts: 0 } as const
  file.update({
    version: 1,
    supervisor: { ...self, fingerprint: plan.fingerprint },
    phase: 'starting',
    message: undefined,
    parts: Object.fromEntries(plan.parts.map(part => [part.name, waiting])),
  })
  const children = new Children(plan.stateDirectory, file)
  const known = new Set(plan.parts.flatMap(part => (part.kind === 'process' ? [part.name] : [])))
  const strangers = Object.keys(file.state.children).filter(name => !known.has(name))
  await Promise.all(strangers.map(name => children.stop(name)))

  // Before anything starts, since parts are told the ports of others.
  for (const part of plan.parts) if (part.kind === 'process') await choosePorts(part, plan, file)

  const order = depths(plan.parts)
  const publish = () => {
    if (file.state.phase === 'ready') writeEndpoints(plan, file)
  }
  const started = new Map<string, Promise<void>>()
  const start = (part: PlanPart): Promise<void> => {
    const running = started.get(part.name)
    if (running !== undefined) return running
    const needs = plan.parts.filter(other => part.needs.includes(other.name))
    const promise = Promise.all(needs.map(start)).then(() =>
      startPart(part, order.get(part.name) ?? 0, plan, file, children, publish),
    )
    started.set(part.name, promise)
    return promise
  }
  const outcomes = await Promise.allSettled(plan.parts.map(start))
  const failure = outcomes.find(outcome => outcome.status === 'rejected')
  if (failure === undefined) {
    // The addresses are complete before anybody is told that the stack is ready.
    writeEndpoints(plan, file)
    file.update({ phase: 'ready' })
  } else {
    file.update({ phase: 'failed', message: (failure.reason as Error).message })
  }
}

/** Configured ports, else those of the last start while they can still be had, else free ones. */
async function choosePorts(
  { name, ports }: ProcessPart,
  { stateDirectory }: Plan,
  file: StateFile,
): Promise<void> {
  const child = file.state.children[name]
  const holdsThem = child !== undefined && isAlive(child)
  for (const port of ports) {
    const kept = file.state.ports[port.name]
    if (port.configured !== 0) file.setPort(port.name, port.configured)
    else if (kept === undefined || !(holdsThem || (await isFree(kept)))) {
      file.setPort(port.name, await freePort(Object.values(file.state.ports), stateDirectory))
    }
  }
}

async function startPart(
  part: PlanPart,
  order: number,
  plan: Plan,
  file: StateFile,
  children: Children,
  changed: () => void,
): Promise<void> {
  const context: PartContext = {
    port: name => portOf(file, name),
    runToEnd: (name, command, { timeoutMs = 60_000 } = {}) =>
      children.runToEnd(`${part.name}:${name}`, part.name, command, order, timeoutMs),
    log: line => console.log(`${new Date().toISOString()} ${line}`),
  }
  if (part.kind === 'process') {
    await new Keeper(part, order, plan.stateDirectory, file, children, context, changed).start()
  } else if (part.kind === 'task') {
    file.setPart(part.name, { state: 'starting', restarts: 0 })
    try {
      await part.run(context)
    } catch (error) {
      file.setPart(part.name, { state: 'failed', restarts: 0, message: (error as Error).message })
      throw error
    }
    file.setPart(part.name, { state: 'done', restarts: 0 })
  } else {
    file.setPart(part.name, { state: 'external', restarts: 0, message: part.address })
  }
}

function portOf(file: StateFile, name: string): number {
  const port = file.state.ports[name]
  if (port === undefined) throw new Error(`No port was chosen for ${name}: is it missing among the needs?`)
  return port
}

function writeEndpoints(plan: Plan, file: StateFile): void {
  const processes = Object.fromEntries(
    Object.entries(file.state.children).map(([name, child]) => [
      name,
      { pid: child.pid, port: child.port, log: statePaths(plan.stateDirectory).log(name) },
    ]),
  )
  const endpoints = { ...plan.endpoints(name => portOf(file, name)), processes }
  writeDurably(statePaths(plan.stateDirectory).endpoints, `${JSON.stringify(endpoints, null, 2)}\n`)
}
