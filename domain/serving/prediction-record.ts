import type { ArmRole } from '../routing/plan.js'

/**
 * One scored row, as the prediction log keeps it. A row that shadows score too has a record for each
 * shadow, with the same id.
 */
export interface PredictionRecord {
  /** Counts the records of one replica, from 1, over all restarts. */
  readonly sequence: number
  /** Name of the deployment. */
  readonly deployment: string
  /** Given by the client, else a UUIDv7. */
  readonly id: string
  readonly version: number
  /** `pinned`: the caller chose the version past the split; no gate and no window counts it. */
  readonly role: ArmRole | 'pinned'
  /** Revision of the plan that chose the version. */
  readonly revision: number
  /** What the split was decided on. */
  readonly key: string
  /** Epoch milliseconds: when the thing predicted happens, as the client says, else the arrival. */
  readonly eventTime: number
  /** Epoch milliseconds of the arrival. */
  readonly at: number
  /** By the names of the version's signature. */
  readonly features: Readonly<Record<string, number | boolean>>
  readonly output: number
}
