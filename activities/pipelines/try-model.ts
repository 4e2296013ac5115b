import { join } from 'node:path'
import { MlforgeError, type ErrorCode } from '../../domain/errors.js'
import { featureProblems } from '../../domain/models/feature-columns.js'
import type { ModelSignature } from '../../domain/models/signature.js'
import { tableColumns } from '../../stores/duckdb/expectations/table.js'
import { name, text, withDuckDb } from '../../stores/duckdb/duckdb.js'
import { runJob } from '../../trainers/runner.js'
import { MAX_RESIDENT_BYTES } from '../preflight.js'

/** As many as are compared again before the version is rolled out. */
const TRIED_ROWS = 256
const TRIAL_MS = 60_000
/** What the process that tries a model says of the model itself. */
const OF_THE_MODEL: readonly ErrorCode[] = ['object_corrupt', 'trainer_failed']

interface Trial {
  readonly file: string
  readonly signature: ModelSignature
  /** Local Parquet file with rows to try; undefined where nobody gave any. */
  readonly sample: string | undefined
}

/**
 * Loads an ONNX file in a process of its own and scores some rows with it.
 * @returns a Parquet file with the features of these rows and what was predicted for each
 * @throws MlforgeError preflight_failed for a model that cannot answer, features_invalid for a sample that it
 *   cannot be tried with
 */
export async function tryModel(
  { file, signature, sample }: Trial,
  { directory, signal }: { readonly directory: string; readonly signal: AbortSignal },
): Promise<string> {
  const table = join(directory, 'tried.parquet')
  await writeSample(signature, sample, table, { temporaryDirectory: directory, signal })
  const deadline = AbortSignal.timeout(TRIAL_MS)
  const model = { file, format: 'onnx', signature } as const
  try {
    const { rows, notFinite, residentBytes, predictions } = await runJob(
      { kind: 'score', model, table, target: null, directory },
      { scratch: directory, signal: AbortSignal.any([signal, deadline]) },
    )
    if (rows === 0) throw refusal('there is no row to try it with: the sample is empty')
    if (notFinite !== null) {
      const which = sample === undefined ? ' of zeros and ones; give rows as they come by "sample"' : ''
      throw refusal(`it gives no finite number for row ${notFinite}${which}`)
    }
    if (residentBytes > MAX_RESIDENT_BYTES) {
      throw refusal(`it keeps ${residentBytes} bytes of memory, ${MAX_RESIDENT_BYTES} are allowed`)
    }
    return predictions.file
  } catch (error) {
    signal.throwIfAborted()
    if (deadline.aborted) throw refusal(`it has not scored its rows within ${TRIAL_MS / 1000} seconds`)
    if (error instanceof MlforgeError && OF_THE_MODEL.includes(error.code)) throw refusal(error.message)
    throw error
  }
}

/** The features of some rows, as the model takes them: of the sample, else one row of zeros and one of ones. */
async function writeSample(
  signature: ModelSignature,
  sample: string | undefined,
  file: string,
  options: { readonly temporaryDirectory: string; readonly signal: AbortSignal },
): Promise<void> {
  const { features } = signature
  if (sample !== undefined) {
    const problems = featureProblems(signature, await tableColumns(sample, options))
    if (problems.length > 0) {
      const all = problems.map(({ at, message }) => `${at}: ${message}`).join(' ')
      throw new MlforgeError('features_invalid', `The sample has not the features of the model. ${all}`, {
        problems,
      })
    }
  }
  const columns = features.map(feature => {
    const column = name(feature.name)
    return sample === undefined ? `i::DOUBLE AS ${column}` : `${column}::DOUBLE AS ${column}`
  })
  const from = sample === undefined ? 'range(2) rows(i)' : `read_parquet(${text(sample)})`
  await withDuckDb({ ...options, threads: 1 }, db =>
    db.run(
      `COPY (SELECT ${columns.join(', ')} FROM ${from} LIMIT ${TRIED_ROWS}) TO ${text(file)} (FORMAT parquet)`,
    ),
  )
}

function refusal(why: string): MlforgeError {
  return new MlforgeError('preflight_failed', `The model is not registered: ${why}.`.replace('..', '.'))
}
