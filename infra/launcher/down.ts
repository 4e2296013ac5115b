import { rmSync } from 'node:fs'
import { MlforgeError } from '../../domain/errors.js'
import { Children } from './children.js'
import { lockWithin, type Lock } from './lock.js'
import { statePaths } from './paths.js'
import { isAlive, until } from './proc.js'
import { StateFile, readState } from './state.js'

/** Ends the supervisor alone; what it supervises goes on. */
export async function stopSupervisor(stateDirectory: string): Promise<void> {
  const { supervisor } = readState(stateDirectory)
  if (supervisor === undefined || !isAlive(supervisor)) return
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    try {
      process.kill(supervisor.pid, signal)
    } catch {
      // Ended in the meantime.
    }
    if (await until(() => !isAlive(supervisor), 3000)) return
  }
}

/**
 * Stops every process of the stack, the last started first. Works from the state file alone, whether or
 * not a supervisor lives, and touches no process that is not the recorded one. No data is removed.
 *
 * @returns how many processes were running
 */
export async function down(stateDirectory: string, progress: (line: string) => void): Promise<number> {
  let lock: Lock | undefined
  // A supervisor that was just being started may take the lock once more: it is ended too.
  for (let attempt = 0; attempt < 10 && lock === undefined; attempt++) {
    await stopSupervisor(stateDirectory)
    lock = await lockWithin(stateDirectory, 2000)
  }
  if (lock === undefined) {
    throw new MlforgeError(
      'unavailable',
      `Another command holds ${stateDirectory}/lock. Try again when it is done.`,
    )
  }
  try {
    const file = new StateFile(stateDirectory)
    const children = new Children(stateDirectory, file)
    const records = Object.entries(file.state.children)
    const orders = [...new Set(records.map(([, { order }]) => order))].sort((a, b) => b - a)
    let running = 0
    for (const order of orders) {
      const names = records.filter(([, record]) => record.order === order).map(([name]) => name)
      await Promise.all(
        names.map(async name => {
          const how = await children.stop(name)
          if (how !== 'gone') running++
          progress(`${name}: ${how === 'gone' ? 'was not running' : how}`)
        }),
      )
    }
    rmSync(statePaths(stateDirectory).endpoints, { force: true })
    file.update({ phase: 'stopped', supervisor: undefined, message: undefined, parts: {} })
    return running
  } finally {
    lock.release()
  }
}
