import { until } from '../../infra/launcher/proc.js'

/** One less than the supervisor takes for a part that cannot run. */
const MOST_A_MINUTE = 4
const MINUTE_MS = 60_000

/** Keeps a part from being killed so often within a minute that it is given up. */
export class KillLimit<V extends string> {
  private readonly killedAt = new Map<V, readonly number[]>()

  /** Waits until all of these may be killed. */
  async mayKill(victims: readonly V[]): Promise<void> {
    const recent = (victim: V) =>
      (this.killedAt.get(victim) ?? []).filter(at => Date.now() - at < MINUTE_MS).length
    const isSoon = (victim: V) =>
      recent(victim) + victims.filter(each => each === victim).length > MOST_A_MINUTE
    await until(() => !victims.some(isSoon), MINUTE_MS + 1_000, 100)
  }

  killed(victim: V): void {
    this.killedAt.set(victim, [...(this.killedAt.get(victim) ?? []), Date.now()])
  }
}
