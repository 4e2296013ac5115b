import type { Moments } from './moments.js'

/** Labelled rows that the two versions answered, as moments of |target - prediction|. */
export interface SplitSeen {
  /** Rows of this plan revision and later ones. What does not equal the state's `armsFrom` is ignored. */
  readonly fromRevision: number
  /** Identifies the rows: for the decision log. */
  readonly rowsHash: string
  readonly stable: Moments
  readonly candidate: Moments
}

/** Rows that both versions scored. */
export interface MirroredSeen {
  /** As for the split, against the state's `mirrorFrom`. */
  readonly fromRevision: number
  readonly rowsHash: string
  /** Rows with both scores, labelled or not, and the rank correlation of the scores. */
  readonly pairs: number
  readonly correlation: number | null
  /** Labelled pairs: moments of the stable version's |error| and of candidate's minus stable's. */
  readonly stable: Moments
  readonly difference: Moments
}

/** What the shell sees when it looks. Facts stay true: each may be given again as long as it is known. */
export interface Observation {
  /** Epoch milliseconds of the wall clock. */
  readonly now: number
  /** End of the freeze window that `now` lies in, epoch milliseconds; null outside of all. */
  readonly freezeUntil: number | null
  /** Replicas alive, and those among them that have every model of the plan in force loaded and warm. */
  readonly replicas: { readonly live: number; readonly ready: number }
  readonly split?: SplitSeen
  readonly mirrored?: MirroredSeen
  readonly preflight?: { readonly passed: boolean; readonly problems: readonly string[] }
  /** How the last `setPlan` ended: acknowledged by every replica as this revision, or not, and why. */
  readonly issue?:
    | { readonly id: number; readonly acknowledged: true; readonly revision: number }
    | { readonly id: number; readonly acknowledged: false; readonly reason: string }
  /** The registry's champion is the candidate: the `promote` action is done. */
  readonly promoted?: boolean
}
