/** What waits for room in a pool. */
export interface WaitingClaim {
  /** Slots that it takes, at least 1. */
  readonly slots: number
  /** 1 comes first, 5 last. */
  readonly priority: number
  /** Epoch milliseconds: of equal priority the older one comes first. */
  readonly askedAt: number
  /** Decides where the others are equal, so that the order is the same whoever looks. */
  readonly id: string
}

/** The order in which claims get their slots: priority, then age. */
export function byTurn(a: WaitingClaim, b: WaitingClaim): number {
  return a.priority - b.priority || a.askedAt - b.askedAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}

/**
 * Which of those that wait get their slots now. The order is kept: one that needs more slots than are free is
 * not overtaken by smaller ones, or it would wait for ever. One that no room would ever be enough for is passed
 * over; whoever asked for it is told.
 * @param slots of the pool, 0 or more
 * @param held slots that are taken; more than there are where the pool was made smaller
 * @returns the granted ones in their order
 */
export function grantsNow<T extends WaitingClaim>(slots: number, held: number, waiting: readonly T[]): T[] {
  const granted: T[] = []
  let free = slots - held
  for (const claim of waiting.filter(each => each.slots <= slots).sort(byTurn)) {
    if (claim.slots > free) break
    granted.push(claim)
    free -= claim.slots
  }
  return granted
}
