import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

/** Steps of runs with a place between two commits, which nothing outside of the process can see in time. */
export type GateName =
  | 'commit'
  | 'register'
  | 'plan-1'
  | 'promote'
  | 'opened'
  | 'set-1'
  | 'accepted'
  | 'rollout'
  | 'closed'
  | 'good'
  | 'champion'
  | 'champion:compensate'

/**
 * A door in worker-io, steered by files: an armed gate stops the first that comes, once. The test sees
 * that it was reached, kills whom it wants, and opens.
 */
export class Gates {
  private readonly directory: string

  constructor(stateDirectory: string) {
    this.directory = join(stateDirectory, 'gates')
    mkdirSync(this.directory, { recursive: true })
  }

  arm(name: GateName): void {
    writeFileSync(this.file(name, 'armed'), '')
  }

  isReached(name: GateName): boolean {
    return existsSync(this.file(name, 'reached'))
  }

  /** Lets go who waits, and forgets an order that nobody met. */
  open(name: GateName): void {
    for (const state of ['armed', 'reached']) rmSync(this.file(name, state), { force: true })
  }

  /** For worker-io: passes at once unless armed. */
  async pass(name: GateName): Promise<void> {
    try {
      // Whoever renames it is the one that was meant: a second attempt passes.
      renameSync(this.file(name, 'armed'), this.file(name, 'reached'))
    } catch {
      return
    }
    while (this.isReached(name)) await wait(5)
  }

  private file(name: GateName, state: string): string {
    return join(this.directory, `${name}.${state}`)
  }
}
