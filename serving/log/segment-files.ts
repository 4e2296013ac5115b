import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { Gap } from '../../domain/serving/gaps.js'
import type { PredictionRecord } from '../../domain/serving/prediction-record.js'
import { decodeRecords, wholeBytes } from '../../stores/segments/segment-codec.js'
import { readJson, syncDirectory, writeDurably } from '../files.js'

/** What is known of a segment without reading it; kept beside a sealed one. */
export interface SegmentFacts {
  readonly segment: number
  readonly bytes: number
  readonly records: number
  readonly firstSequence: number
  readonly lastSequence: number
}

export interface SealedSegment extends SegmentFacts {
  readonly gaps: readonly Gap[]
  readonly sealedAt: string
}

export interface FoundSegments {
  readonly sealed: SealedSegment[]
  readonly open: number[]
  readonly facts: ReadonlyMap<number, SealedSegment>
}

/** The files of one replica's log: `7.open` is written to, `7.sealed` is complete and described by `7.json`. */
export class SegmentFiles {
  constructor(readonly directory: string) {}

  open = (segment: number): string => join(this.directory, `${segment}.open`)
  sealed = (segment: number): string => join(this.directory, `${segment}.sealed`)
  private facts = (segment: number): string => join(this.directory, `${segment}.json`)

  /** Makes a written segment a sealed one; once more does no harm. Its facts go first: without them it is still open. */
  async seal(sealed: SealedSegment): Promise<void> {
    await writeDurably(this.facts(sealed.segment), JSON.stringify(sealed))
    if (existsSync(this.open(sealed.segment))) {
      await rename(this.open(sealed.segment), this.sealed(sealed.segment))
    }
    await syncDirectory(this.directory)
  }

  async remove(segment: number): Promise<void> {
    await rm(this.sealed(segment), { force: true })
    await rm(this.facts(segment), { force: true })
  }

  /** What an earlier process left, by number: sealed segments, those it was still writing, and facts of both. */
  async found(): Promise<FoundSegments> {
    await mkdir(this.directory, { recursive: true })
    const names = await readdir(this.directory)
    const numbers = (suffix: string) =>
      names
        .filter(name => name.endsWith(suffix) && /^\d+\./.test(name))
        .map(name => Number.parseInt(name, 10))
        .toSorted((a, b) => a - b)
    const facts = new Map<number, SealedSegment>()
    for (const number of numbers('.json')) {
      const found = await readJson<SealedSegment>(this.facts(number))
      if (found) facts.set(number, found)
      // Its segment is safe elsewhere, and was being removed.
      if (!names.includes(`${number}.open`) && !names.includes(`${number}.sealed`)) await this.remove(number)
    }
    const sealed: SealedSegment[] = []
    for (const number of numbers('.sealed')) sealed.push(facts.get(number) ?? (await this.described(number)))
    return { sealed, open: numbers('.open'), facts }
  }

  /** Cuts what a killed process wrote of its last record; undefined, and no file, when nothing is left. */
  async adopt(segment: number): Promise<SegmentFacts | undefined> {
    const path = this.open(segment)
    const content = await readFile(path)
    const whole = wholeBytes(content)
    if (whole === 0) {
      await rm(path)
      return undefined
    }
    if (whole < content.length) await truncate(path, whole)
    return factsOf(segment, content.subarray(0, whole))
  }

  /** Records of a sealed segment, as far as they can be read. */
  async records(segment: number): Promise<PredictionRecord[]> {
    const content = await readFile(this.sealed(segment))
    return [...decodeRecords(content.subarray(0, wholeBytes(content)))]
  }

  private async described(segment: number): Promise<SealedSegment> {
    const content = await readFile(this.sealed(segment))
    const facts = factsOf(segment, content.subarray(0, wholeBytes(content)))
    return { ...facts, bytes: content.length, gaps: [], sealedAt: new Date().toISOString() }
  }
}

function factsOf(segment: number, content: Buffer): SegmentFacts {
  const facts = { segment, bytes: content.length, records: 0, firstSequence: 0, lastSequence: 0 }
  for (const { sequence } of decodeRecords(content)) {
    if (facts.records++ === 0) facts.firstSequence = sequence
    facts.lastSequence = sequence
  }
  return facts
}
