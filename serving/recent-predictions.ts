import { MlforgeError } from '../domain/errors.js'
import type { PredictionRecord } from '../domain/serving/prediction-record.js'
import { fingerprint } from '../domain/serving/row-features.js'

export interface FirstAnswer {
  readonly version: number
  readonly revision: number
  readonly value: number
}

/** A prediction id of a deployment: what it was used for, and the answer once there is one. */
export interface Remembered {
  /** Of its features. */
  readonly fingerprint: string
  /** The version that was asked for past the split, or null. */
  readonly pinned: number | null
  answer: FirstAnswer | undefined
  /** Told when there is an answer, or will be none. */
  waiting: (() => void)[]
}

const keyOf = (deployment: string, id: string): string => `${deployment}/${id}`

/**
 * The last prediction ids of this replica, so that the same id again gets the first answer and is logged
 * once. It knows at least so many ids as its size says, the ones used last, and at most twice as many; after a
 * restart those whose records were not sent yet; an id older than that, or one that another replica answered, is scored and logged
 * again. Ingestion keeps one row for an id, the first, so nothing is counted twice; only the answer may be
 * another version's.
 */
export class RecentPredictions {
  // Two generations: when the young one is full, the old one is forgotten whole. To take the oldest key out of
  // one map, again and again, is slow: the map goes past all that were taken out before it.
  private young = new Map<string, Remembered>()
  private old = new Map<string, Remembered>()

  constructor(private readonly size: number) {}

  find(deployment: string, id: string): Remembered | undefined {
    const key = keyOf(deployment, id)
    const young = this.young.get(key)
    if (young) return young
    const found = this.old.get(key)
    if (found) this.keep(key, found)
    return found
  }

  /** Takes an id for a request that is going to answer it. */
  claim(deployment: string, id: string, features: string, pinned: number | null): Remembered {
    const entry: Remembered = { fingerprint: features, pinned, answer: undefined, waiting: [] }
    this.keep(keyOf(deployment, id), entry)
    return entry
  }

  settle(entry: Remembered, answer: FirstAnswer): void {
    entry.answer = answer
    for (const tell of entry.waiting.splice(0)) tell()
  }

  /** Gives a claimed id back: there was no answer. */
  release(deployment: string, id: string, entry: Remembered): void {
    const key = keyOf(deployment, id)
    for (const entries of [this.young, this.old]) if (entries.get(key) === entry) entries.delete(key)
    for (const tell of entry.waiting.splice(0)) tell()
  }

  /** The first answers, once all are there. @throws MlforgeError unavailable */
  async answers(entries: readonly Remembered[]): Promise<FirstAnswer[]> {
    const answers: FirstAnswer[] = []
    for (const entry of entries) answers.push(entry.answer ?? (await this.answerOf(entry)))
    return answers
  }

  /** The first answer, which another request is still working on. @throws MlforgeError unavailable */
  private async answerOf(entry: Remembered): Promise<FirstAnswer> {
    await new Promise<void>(resolve => entry.waiting.push(resolve))
    if (entry.answer) return entry.answer
    throw new MlforgeError(
      'unavailable',
      'The first request with this prediction id came to no answer, and this one waited for it. Send it again.',
    )
  }

  private keep(key: string, entry: Remembered): void {
    if (this.young.size >= this.size) {
      this.old = this.young
      this.young = new Map()
    }
    this.young.set(key, entry)
  }

  /** Fills itself from records that are still here, given by segment, the newest first. */
  async restore(segments: AsyncIterable<readonly PredictionRecord[]>): Promise<void> {
    const newestFirst: PredictionRecord[] = []
    for await (const records of segments) {
      for (const record of records.toReversed()) {
        if (record.role !== 'shadow') newestFirst.push(record)
      }
      if (newestFirst.length >= this.size) break
    }
    for (const record of newestFirst.slice(0, this.size).toReversed()) {
      const { deployment, id, version, revision, output: value } = record
      if (this.find(deployment, id)) continue
      const pinned = record.role === 'pinned' ? version : null
      const entry = this.claim(deployment, id, fingerprint(record.features), pinned)
      entry.answer = { version, revision, value }
    }
  }
}
