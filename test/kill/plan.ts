import { fileURLToPath } from 'node:url'
import { loadSettings } from '../../config/load.js'
import { standardPlan } from '../../infra/launcher/stack.js'
import type { Plan } from '../../infra/launcher/plan.js'

/** The whole environment of a stack under test: settings, and what the processes need of the machine. */
export type Environment = Readonly<Record<string, string>>

const WORKER_IO = fileURLToPath(new URL('./worker-io.js', import.meta.url))

/**
 * What `mlforge up` runs, but that worker-io has gates.
 * @param only names of the parts; all of them by default
 */
export function killPlan(env: Environment, cwd: string, only?: readonly string[]): Plan {
  const plan = standardPlan(loadSettings({ env, cwd, embedded: true }), only)
  return {
    ...plan,
    parts: plan.parts.map(part =>
      part.kind === 'process' && part.name === 'worker-io'
        ? {
            ...part,
            command: async context => {
              const command = await part.command(context)
              const args = command.args.map(arg => (arg.endsWith('worker/main.js') ? WORKER_IO : arg))
              return { ...command, args }
            },
          }
        : part,
    ),
  }
}
