import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Gap } from '../../domain/serving/gaps.js'
import { readJson, replaceNow, writeDurablyIf } from '../files.js'

interface Content {
  readonly replica: string
  /** Number of the last sealed segment, 0 for none. */
  readonly segment: number
  /** A record has had this sequence, or been dropped with it. */
  readonly sequence: number
  /** Gaps that no sealed segment names yet. */
  readonly gaps: readonly Gap[]
}

/**
 * Who a replica is, and how far its log has come: one file, so that a replica which has lost its counters
 * has lost its name too and never uses a sequence twice.
 */
export class ReplicaState {
  private version = 0
  private saving: Promise<void> = Promise.resolve()

  private constructor(
    private readonly path: string,
    private content: Content,
  ) {}

  static async load(directory: string): Promise<ReplicaState> {
    await mkdir(directory, { recursive: true })
    const path = join(directory, 'replica.json')
    const found = await readJson<Content>(path)
    const state = new ReplicaState(
      path,
      found ?? { replica: randomUUID(), segment: 0, sequence: 0, gaps: [] },
    )
    if (found === undefined) await state.save({})
    return state
  }

  get replica(): string {
    return this.content.replica
  }

  get segment(): number {
    return this.content.segment
  }

  get sequence(): number {
    return this.content.sequence
  }

  get gaps(): readonly Gap[] {
    return this.content.gaps
  }

  /** Changes the file at once, for what only a loss of power may take. */
  note(change: Partial<Content>): void {
    this.take(change)
    replaceNow(this.path, JSON.stringify(this.content))
  }

  /** Changes the file; it is on the disk when this resolves. */
  async save(change: Partial<Content>): Promise<void> {
    this.take(change)
    // One at a time: each prepares its text in the same file.
    const saved = this.saving.then(() => this.write())
    this.saving = saved.catch(() => undefined)
    await saved
  }

  /** Takes another name, which holds once it is on the disk. */
  async rename(): Promise<void> {
    const { replica } = this.content
    try {
      await this.save({ replica: randomUUID() })
    } catch (error) {
      this.take({ replica })
      throw error
    }
  }

  private async write(): Promise<void> {
    // What was noted meanwhile is newer than what was being written.
    for (;;) {
      const { version } = this
      if (await writeDurablyIf(this.path, JSON.stringify(this.content), () => version === this.version))
        return
    }
  }

  private take(change: Partial<Content>): void {
    this.content = { ...this.content, ...change }
    this.version++
  }
}
