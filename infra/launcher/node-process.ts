import { existsSync } from 'node:fs'
import { MlforgeError } from '../../domain/errors.js'
import type { PartContext, PlanPart } from './plan.js'

export interface NodeProcess {
  readonly name: string
  /** Compiled main file. */
  readonly main: string
  readonly args?: readonly string[]
  readonly needs: readonly string[]
  /** Name of its port in the state file, and the port that is configured, or 0. */
  readonly port: { readonly name: string; readonly configured: number }
  /** Variables of the configuration loader, its own port included. */
  readonly env: (context: PartContext) => Record<string, string>
  /** Where it is asked for /ready. */
  readonly host: string
  readonly cwd: string
  readonly build: () => string
  /** How long it may finish what it does after SIGTERM. */
  readonly drainSeconds: number
}

/** One of our own processes: ready when GET /ready answers 200. */
export function nodePart(options: NodeProcess): PlanPart {
  const { name, main, port } = options
  return {
    kind: 'process',
    name,
    needs: options.needs,
    ports: [port],
    startDeadlineMs: 60_000,
    stopSignal: 'SIGTERM',
    stopDeadlineMs: (options.drainSeconds + 5) * 1000,
    command: context => {
      if (!existsSync(main)) throw new MlforgeError('unavailable', `${main} is missing. Run npm run build.`)
      return {
        program: process.execPath,
        args: ['--enable-source-maps', main, ...(options.args ?? [])],
        cwd: options.cwd,
        env: options.env(context),
        build: options.build(),
      }
    },
    ready: async context => {
      const address = `http://${options.host}:${context.port(port.name)}/ready`
      return (await fetch(address, { signal: AbortSignal.timeout(2000) })).ok
    },
  }
}
