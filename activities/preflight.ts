import { MlforgeError } from '../domain/errors.js'
import { behind, isBehindSame } from '../domain/models/replayed.js'
import { clipToSignature, inputsOf, type ModelSignature } from '../domain/models/signature.js'
import { repeatTolerance } from '../domain/training/parity.js'
import { OnnxSession } from '../inference/onnx-session.js'
import { residentBytes } from '../inference/resident-memory.js'
import { name, text, withDuckDb } from '../stores/duckdb/duckdb.js'
import { replayedBy } from './replays.js'
import type { ObjectStore } from '../stores/objects/object-store.js'
import type { ModelVersion } from '../stores/postgres/entities/model.js'

const GOLDEN_ROWS = 256
const TIMED_RUNS = 50

/** A model that needs longer for one row, or keeps more memory, is no model to answer requests with. */
const MAX_ROW_MS = 50
export const MAX_RESIDENT_BYTES = 2 ** 31

/**
 * Everything that speaks against serving a version, found before any caller could: its export does not
 * load, keeps too much memory or takes too long, it wants other features than callers send now, or it does
 * not give the predictions that it was evaluated with, or that it gave when its file was registered.
 * @param serving the version that answers now; null for the first of a deployment
 */
export async function preflightProblems(
  objects: ObjectStore,
  candidate: ModelVersion,
  serving: ModelVersion | null,
  { directory, signal }: { readonly directory: string; readonly signal: AbortSignal },
): Promise<string[]> {
  const signature = candidate.signature as ModelSignature
  const problems = serving ? signatureProblems(signature, serving.signature as ModelSignature) : []
  const { 'model.onnx': onnx, 'samples.parquet': samples } = candidate.artifacts
  // A file that was registered has no evaluation: features and predictions of its samples stand in one table.
  const { 'holdout.parquet': holdout = samples, 'predictions.parquet': golden = samples } =
    candidate.artifacts
  if (!onnx || !holdout || !golden) return [...problems, 'it has no ONNX export or no evaluation']
  problems.push(...(await replayedProblems(objects, candidate)))
  const file = await objects.toFile(onnx.uri, directory)
  // Before this worker loads it too.
  const resident = await residentBytes(file, signature.features.length, signal)
  if (resident !== null && resident > MAX_RESIDENT_BYTES) {
    return [...problems, `it keeps ${resident} bytes of memory, ${MAX_RESIDENT_BYTES} are allowed`]
  }
  let session: OnnxSession
  try {
    session = await OnnxSession.load(file)
  } catch (error) {
    return [...problems, `it does not load: ${(error as Error).message}`]
  }
  try {
    const parity = candidate.parity as { tolerance: number } | null
    const files = {
      holdout: await objects.toFile(holdout.uri, directory),
      golden: await objects.toFile(golden.uri, directory),
    }
    return [
      ...problems,
      ...(await goldenProblems(session, signature, files, parity?.tolerance ?? null, directory)),
    ]
  } finally {
    await session.close()
  }
}

/** The transformation before the model must still be there, and make its features. */
async function replayedProblems(
  objects: ObjectStore,
  { signature, artifacts }: ModelVersion,
): Promise<string[]> {
  const { transformation } = signature as ModelSignature
  if (transformation === undefined) return []
  const { 'transformation.json': state } = artifacts
  if (!state) return ['it has no state of its transformation']
  try {
    await replayedBy({ objects }, signature as ModelSignature, transformation, state)
    return []
  } catch (error) {
    const isFinal = error instanceof MlforgeError && error.code !== 'unavailable'
    if (!isFinal) throw error
    return [`its transformation cannot be replayed: ${error.message}`]
  }
}

/**
 * A replica refuses rows with other features than the version's: callers must not have to change. What was asked is
 * kept as the model saw it, so what is learned and watched of a deployment is made by one transformation.
 */
function signatureProblems(candidate: ModelSignature, serving: ModelSignature): string[] {
  const isSame = isBehindSame(candidate, serving)
  const input = featureProblems(inputsOf(candidate), inputsOf(serving))
  return [
    ...(isSame
      ? []
      : [
          `it is behind ${behind(candidate)}, and the live version behind ${behind(serving)}: give it a deployment of its own`,
        ]),
    ...input,
    ...(isSame && input.length === 0 ? featureProblems(candidate.features, serving.features) : []),
    ...(candidate.output.name === serving.output.name
      ? []
      : [`it predicts "${candidate.output.name}", not "${serving.output.name}"`]),
  ]
}

function featureProblems(wanted: ReturnType<typeof inputsOf>, sent: ReturnType<typeof inputsOf>): string[] {
  const types = new Map(sent.map(feature => [feature.name, feature.type]))
  const names = new Set(wanted.map(feature => feature.name))
  return [
    ...wanted.flatMap(feature => {
      const type = types.get(feature.name)
      if (type === undefined)
        return [`it needs feature "${feature.name}", which the live version does not take`]
      return type === feature.type ? [] : [`it takes "${feature.name}" as ${feature.type}, not ${type}`]
    }),
    ...sent
      .filter(feature => !names.has(feature.name))
      .map(feature => `it does not take feature "${feature.name}", which callers send to the live version`),
  ]
}

async function goldenProblems(
  session: OnnxSession,
  signature: ModelSignature,
  files: { holdout: string; golden: string },
  agreed: number | null,
  directory: string,
): Promise<string[]> {
  const columns = signature.features.map(feature => `CAST(${name(feature.name)} AS DOUBLE)`).join(', ')
  const { features, expected } = await withDuckDb(
    { threads: 1, temporaryDirectory: directory },
    async db => ({
      features: await db.numbers(
        `SELECT ${columns} FROM read_parquet(${text(files.holdout)}) LIMIT ${GOLDEN_ROWS}`,
      ),
      expected: (
        await db.numbers(
          `SELECT CAST(prediction AS DOUBLE) FROM read_parquet(${text(files.golden)}) LIMIT ${GOLDEN_ROWS}`,
        )
      )[0]!,
    }),
  )
  const rows = expected.length
  const values = new Float32Array(rows * features.length)
  features.forEach((column, at) =>
    column.forEach((value, row) => (values[row * features.length + at] = value)),
  )
  const predicted = clipToSignature(signature, await session.predict(values, rows))
  const worst = predicted.reduce((most, value, row) => Math.max(most, Math.abs(value - expected[row]!)), 0)
  const tolerance = agreed ?? repeatTolerance(expected)
  const problems = []
  // Written so that NaN is a problem too.
  if (!(worst <= tolerance)) {
    problems.push(
      `golden rows differ from the evaluation by ${worst}, ${tolerance} is allowed (${rows} rows)`,
    )
  }
  const median = await rowMilliseconds(session, values.subarray(0, features.length))
  if (median > MAX_ROW_MS) problems.push(`one row takes ${median.toFixed(1)} ms, ${MAX_ROW_MS} is allowed`)
  return problems
}

async function rowMilliseconds(session: OnnxSession, row: Float32Array): Promise<number> {
  const times: number[] = []
  for (let run = 0; run < TIMED_RUNS; run++) {
    const started = performance.now()
    await session.predict(row.slice(), 1)
    times.push(performance.now() - started)
  }
  return times.sort((a, b) => a - b)[TIMED_RUNS >> 1]!
}
