import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MlforgeError } from '../../domain/errors.js'
import { peakResidentBytes } from '../../inference/peak-memory.js'
import type { JobEvent, TrainJob, TrainResult } from '../protocol.js'
import type { Trainer } from '../trainer.js'
import { XgboostTrainer } from '../xgboost/xgboost-trainer.js'
import { writeDurably } from './files.js'
import { openDuckdb, readMatrix, readTarget } from './parquet.js'

/** An evaluation costs a pass over the rows: progress is worth five a second, not one a round. */
const PROGRESS_MS = 200

const turnOfTheLoop = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

export interface TrainParent {
  emit(event: JobEvent): void
  /** True once the parent wants its worker to end: the rounds made so far are kept, none follow. */
  isToStop(): boolean
}

/**
 * Trains, keeping a durable checkpoint every `checkpointEvery` rounds while the rounds go on.
 * @throws MlforgeError cancelled when it was asked to stop, after a checkpoint of the round it was at
 */
export async function train(job: TrainJob, parent: TrainParent): Promise<TrainResult> {
  const trainer: Trainer = new XgboostTrainer(job.library)
  try {
    const rows = await prepare(trainer, job)
    const fromRound = trainer.round
    parent.emit({ event: 'started', pid: process.pid, engine: trainer.engine, rows, fromRound })
    const started = performance.now()
    const checkpointSeconds = await rounds(trainer, job, parent)
    const seconds = (performance.now() - started) / 1000
    const trainRmse = trainer.trainRmse()
    return {
      kind: 'train',
      engine: trainer.engine,
      model: await writeDurably(join(job.directory, 'model.ubj'), trainer.exportModel('ubj')),
      rows,
      rounds: trainer.round,
      fromRound,
      trainRmse,
      checkpointSeconds,
      featureImportance: trainer.featureImportance(),
      seconds,
      peakRssBytes: peakResidentBytes(),
    }
  } finally {
    trainer.close()
  }
}

async function prepare(trainer: Trainer, job: TrainJob): Promise<number> {
  const { file, features, target } = job.data
  const { matrix, labels } = await openDuckdb(job.directory, async connection => ({
    matrix: await readMatrix(connection, file, features),
    labels: await readTarget(connection, file, target),
  }))
  if (labels.every(label => label === labels[0])) {
    const what = labels.length === 0 ? 'has no rows' : `is ${labels[0]} in every row`
    throw new MlforgeError(
      'target_invalid',
      `The target "${target}" ${what}: nothing can be learned from it.`,
    )
  }
  trainer.init({ matrix, labels: Float32Array.from(labels), features }, job.parameters)
  if (job.resume !== undefined) {
    restore(trainer, job.resume.file, await readFile(job.resume.file))
    if (trainer.round !== job.resume.round || trainer.round > job.rounds) {
      throw new MlforgeError(
        'object_corrupt',
        `${job.resume.file} holds round ${trainer.round}, not ${job.resume.round} of ${job.rounds}. Start from another checkpoint.`,
      )
    }
  }
  return matrix.rows
}

function restore(trainer: Trainer, file: string, checkpoint: Uint8Array): void {
  try {
    trainer.restore(checkpoint)
  } catch (error) {
    throw new MlforgeError(
      'object_corrupt',
      `${file} is no checkpoint of ${trainer.engine} (${(error as Error).message}). Start from another checkpoint.`,
    )
  }
}

/** Runs the rounds that are left; gives the seconds in which they stood still for checkpoints. */
async function rounds(trainer: Trainer, job: TrainJob, { emit, isToStop }: TrainParent): Promise<number> {
  let still = 0
  const timed = async (work: () => Promise<void>): Promise<void> => {
    const from = performance.now()
    await work()
    still += performance.now() - from
  }
  let writing: Promise<void> | undefined
  const failures: unknown[] = []
  // A booster that has been evaluated serialises differently: the first round is told at once, before its
  // checkpoint, so that the bytes of a checkpoint do not depend on the clock.
  let reported = -Infinity
  while (trainer.round < job.rounds) {
    trainer.step()
    const { round } = trainer
    if (performance.now() - reported >= PROGRESS_MS || round === job.rounds) {
      reported = performance.now()
      emit({ event: 'progress', round, rounds: job.rounds, trainRmse: trainer.trainRmse() })
    }
    const stops = isToStop() && round < job.rounds
    if (stops || (job.checkpointEvery > 0 && round % job.checkpointEvery === 0 && round < job.rounds)) {
      await timed(async () => {
        await writing
        writing = writeDurably(join(job.directory, `checkpoint-${round}.bin`), trainer.checkpoint())
          .then(fact => emit({ event: 'checkpoint', round, ...fact }))
          .catch((error: unknown) => void failures.push(error))
          .finally(() => {
            writing = undefined
          })
      })
    }
    // The file is written by the pool of libuv; its steps need turns of the event loop.
    if (writing !== undefined) await timed(turnOfTheLoop)
    if (stops) await timed(async () => writing)
    if (failures.length > 0) throw failures[0]
    if (stops) throw new MlforgeError('cancelled', `The training stopped after round ${round}, as asked.`)
  }
  await timed(async () => writing)
  if (failures.length > 0) throw failures[0]
  return still / 1000
}
