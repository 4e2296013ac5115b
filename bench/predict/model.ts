import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FEATURES, LIBRARY, SIGNATURE, trainJob, writeBikeRows } from '../../test/trainers/support.js'
import { runJob } from '../../trainers/runner.js'

const VALUES = [1, 0, 1, 7, 0, 6, 0, 1, 0.24, 0.2879, 0.81, 0.1343]
export const BIKE_ROW = Object.fromEntries(FEATURES.map((name, i) => [name, VALUES[i]!]))

/** Trains a model of 200 trees on bike-sharing rows; the file of its export. */
export async function trainBikeModel(directory: string): Promise<string> {
  const file = join(directory, 'train.parquet')
  const holdout = join(directory, 'holdout.parquet')
  await writeBikeRows(file, 'yr = 0 AND mnth <= 8')
  await writeBikeRows(holdout, 'yr = 0 AND mnth > 8')
  const job = trainJob(directory, file, { rounds: 200, checkpointEvery: 0 })
  const { model } = await runJob(job, { scratch: directory })
  const exported = { file: model.file, signature: SIGNATURE }
  const { onnx } = await runJob(
    { kind: 'export', library: LIBRARY, model: exported, holdout, directory },
    { scratch: directory },
  )
  return onnx.file
}

/** The same model in other bytes, so that a replica has to fetch and load it: a field written twice holds the last. */
export async function inOtherBytes(file: string, name: string): Promise<Buffer> {
  // ModelProto.producer_version, field 3, a string (onnx.proto).
  return Buffer.concat([
    await readFile(file),
    Buffer.from([0x1a, Buffer.byteLength(name)]),
    Buffer.from(name),
  ])
}
