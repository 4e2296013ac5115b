import type { LabelStore } from '../../stores/postgres/label-store.js'
import type { NewSegment, PredictionStore } from '../../stores/postgres/prediction-store.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { encodeRecord } from '../../stores/segments/segment-codec.js'
import { uuidv7 } from '../../stores/ids.js'

export const FEATURES = Array.from({ length: 20 }, (_, i) => `feature ${i}`)
export const WINDOW = { id: '2012-02', start: Date.UTC(2012, 1, 1), end: Date.UTC(2012, 2, 1) }
const BEFORE = { start: Date.UTC(2012, 0, 1), end: WINDOW.start }
const SEGMENT_BYTES = 8 * 2 ** 20
const LABELS_A_REQUEST = 10_000

/** Rows of the window before, which it is compared with. */
export const referenceRowsOf = (size: number): number => Math.ceil(size / 10)

/** Sealed segments, as a replica has uploaded them: so many rows of the window, and some of the one before it. */
export async function writeSegments(
  objects: ObjectStore,
  deployment: string,
  size: number,
): Promise<NewSegment[]> {
  const random = generator(size)
  const replica = uuidv7()
  const segments: NewSegment[] = []
  let frames: Buffer[] = []
  let bytes = 0
  let sequence = 0
  const seal = async () => {
    segments.push({
      project: 'default',
      replica,
      segment: segments.length + 1,
      ...sized(await objects.write('default', Buffer.concat(frames))),
      records: frames.length,
      firstSequence: String(sequence - frames.length + 1),
      lastSequence: String(sequence),
      gaps: [],
      sealedAt: new Date(),
    })
    frames = []
    bytes = 0
  }
  const log = async (eventTime: number, shift: number) => {
    sequence++
    const features: Record<string, number> = {}
    FEATURES.forEach((feature, i) => {
      const value = random() + random() + random() + shift * (i % 3)
      // Some have few values, some two digits, most are as fine as numbers are.
      features[feature] = i === 0 ? Math.floor(8 * value) : i === 1 ? Math.round(100 * value) / 100 : value
    })
    const frame = encodeRecord({
      sequence,
      deployment,
      id: `row-${sequence}`,
      version: 1 + (sequence % 2),
      role: 'stable',
      revision: 1,
      key: String(sequence % 5000),
      eventTime,
      at: eventTime + 5,
      features,
      output: 100 + 10 * random(),
    })
    frames.push(frame)
    bytes += frame.length
    if (bytes >= SEGMENT_BYTES) await seal()
  }
  const spread = async ({ start, end }: typeof BEFORE, rows: number, shift: number) => {
    for (let row = 0; row < rows; row++) await log(start + Math.floor((row * (end - start)) / rows), shift)
  }
  await spread(BEFORE, referenceRowsOf(size), 0)
  await spread(WINDOW, size, 0.02)
  // The window is over.
  await log(WINDOW.end, 0)
  await seal()
  return segments
}

/** Labels of all rows, as requests bring them. */
export async function addLabels(labels: LabelStore, deploymentId: string, rows: number): Promise<void> {
  const random = generator(rows + 1)
  for (let first = 1; first <= rows; first += LABELS_A_REQUEST) {
    const page = Array.from({ length: Math.min(LABELS_A_REQUEST, rows + 1 - first) }, (_, i) => ({
      predictionId: `row-${first + i}`,
      value: 100 + 12 * random(),
      at: new Date(WINDOW.end),
    }))
    await labels.add(deploymentId, page, 'bench')
  }
}

export async function addSegments(
  predictions: PredictionStore,
  segments: readonly NewSegment[],
): Promise<void> {
  for (const segment of segments) await predictions.addSegment(segment)
}

function sized({ uri, sha256, bytes }: { uri: string; sha256: string; bytes: number }) {
  return { uri, sha256, bytes: String(bytes) }
}

/** Uniform numbers, the same for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
