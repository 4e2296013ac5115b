import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Gap } from '../../domain/serving/gaps.js'
import { ReplicaState } from './replica-state.js'
import { type SealedSegment, SegmentFiles } from './segment-files.js'

/** What an earlier process has left of a log, ready to be gone on with. */
export interface Adopted {
  readonly state: ReplicaState
  readonly files: SegmentFiles
  readonly sealed: SealedSegment[]
  readonly lastSegment: number
  readonly sequence: number
  /** Gaps that no segment names yet. */
  readonly gaps: readonly Gap[]
}

/** Seals what was still being written, without its torn tail, and finds out how far numbers and sequences went. */
export async function adopt(directory: string, log: Logger): Promise<Adopted> {
  const state = await ReplicaState.load(directory)
  const files = new SegmentFiles(join(directory, 'segments'))
  const { sealed, open, facts } = await files.found()
  const attached = [...facts.values()].flatMap(each => each.gaps)
  const known = new Set(attached.map(gapKey))
  // A process that ended between naming a gap in a segment and forgetting it.
  let gaps = state.gaps.filter(gap => !known.has(gapKey(gap)))
  for (const segment of open) {
    const found = await files.adopt(segment)
    if (found === undefined) continue
    const own = facts.get(segment)?.gaps ?? []
    const adopted = { ...found, gaps: [...own, ...gaps], sealedAt: new Date().toISOString() }
    await files.seal(adopted)
    sealed.push(adopted)
    gaps = []
    log.info({ segment, records: found.records }, 'a segment of an earlier process is adopted')
  }
  const lastSegment = Math.max(state.segment, ...sealed.map(({ segment }) => segment))
  const sequence = Math.max(
    state.sequence,
    ...[...attached, ...state.gaps].map(gap => gap.lastSequence),
    ...[...facts.values(), ...sealed].map(each => each.lastSequence),
  )
  await state.save({ segment: lastSegment, sequence, gaps })
  return { state, files, sealed, lastSegment, sequence, gaps }
}

const gapKey = ({ deployment, firstSequence }: Gap): string => `${deployment}/${firstSequence}`
