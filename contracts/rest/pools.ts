/** Slots that steps of pipelines share: `pool: <name>` in a step. */
export interface PutPool {
  /** Steps that may hold one each at the same time; 0 lets none begin. */
  slots: number
  description?: string
}

export interface Pool {
  name: string
  slots: number
  description: string | null
  /** Slots that are taken; more than there are where the pool was made smaller. */
  held: number
  /** Steps that wait. */
  queued: number
  createdAt: string
  updatedAt: string
}

/** What has slots of a pool, or waits for them. */
export interface PoolClaim {
  state: 'held' | 'queued'
  run: string
  step: string
  generation: number
  slots: number
  /** 1 comes first, 5 last. */
  priority: number
  /** Of those that wait, from 1; null for what has its slots. */
  position: number | null
  /** Its run is paused: it keeps its place, and others go before it. */
  parked: boolean
  askedAt: string
  grantedAt: string | null
}
