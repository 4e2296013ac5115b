import { isAlive, until } from '../../infra/launcher/proc.js'
import type { KillStack } from '../kill/stack.js'
import { waitFor } from '../kill/strike.js'

const GONE_MS = 5_000

/** Kills the supervisor and everything that it looks after, as the loss of power would, and starts all again. */
export async function killAll(stack: KillStack): Promise<void> {
  const supervisor = await waitFor(() => stack.find('supervisor'), 'there is a supervisor')
  // First, so that it starts nothing again.
  const all = [supervisor, ...Object.values(stack.processes())].filter(isAlive)
  for (const { pid } of all) {
    stack.killed.add(pid)
    process.kill(pid, 'SIGKILL')
  }
  if (!(await until(() => !all.some(isAlive), GONE_MS, 1))) throw new Error('The stack has survived SIGKILL.')
  await stack.up()
}
