import type { Strategy } from './strategy.js'

/** A validated request for a rollout, complete, as its run row keeps it. */
export interface RolloutSpec {
  readonly deployment: string
  readonly model: string
  /** A registered version, or the training of a model that the gate refused. */
  readonly candidate: { readonly version: number } | { readonly training: string }
  readonly strategy: Strategy
  /** Why a model that the gate refused is rolled out all the same. */
  readonly force: { readonly reason: string } | null
  readonly reason: string
}
