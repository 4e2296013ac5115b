import { rm } from 'node:fs/promises'
import { CancelledFailure, Context } from '@temporalio/activity'
import type { RunInput, TrainHeartbeat } from '../contracts/temporal/messages.js'
import { canonicalJson, type Json } from '../domain/canonical-json.js'
import { MlforgeError } from '../domain/errors.js'
import { checkpointSpec, type TrainingSpec } from '../domain/training/spec.js'
import { sha256Hex } from '../stores/ids.js'
import type { Checkpoint } from '../stores/postgres/entities/checkpoint.js'
import type { Fence } from '../stores/postgres/leases.js'
import type { JobEvent, TrainResult } from '../trainers/protocol.js'
import { runJob } from '../trainers/runner.js'
import { writeFile } from './objects.js'
import type { Ports } from './ports.js'

type CheckpointPorts = Pick<Ports, 'ledger' | 'checkpoints' | 'objects' | 'engine'>

interface Training {
  readonly input: RunInput
  readonly spec: TrainingSpec
  readonly fence: Fence
  /** Parquet of the rows to train on. */
  readonly table: string
  readonly directory: string
}

/**
 * Trains in a child process. Each checkpoint becomes durable while the child goes on: object first,
 * then the pointer in a fenced transaction, then the heartbeat that names it. Beats are tied to
 * rounds, so a training that hangs times out.
 */
export async function trainWithCheckpoints(ports: CheckpointPorts, training: Training): Promise<TrainResult> {
  const { input, spec, fence, directory } = training
  const { ledger, checkpoints, objects, engine } = ports
  const context = Context.current()
  const specSha256 = sha256Hex(canonicalJson(checkpointSpec(spec, engine.version) as unknown as Json))
  const resume = await newestValid(ports, input, specSha256, directory)

  const broken = new AbortController()
  const handOver = new AbortController()
  let failure: unknown
  let saving: Promise<void> = Promise.resolve()
  let durable: TrainHeartbeat['checkpoint']
  const beat = (round: number, metric?: number) =>
    context.heartbeat({
      schema: 1,
      round,
      rounds: spec.rounds,
      ...(metric === undefined ? {} : { metric }),
      ...(durable ? { checkpoint: durable } : {}),
    } satisfies TrainHeartbeat)

  const save = async ({ round, file }: { round: number; file: string }) => {
    const { uri, sha256, bytes } = await writeFile(objects, input.project, file)
    await ledger.fenced(fence, transaction =>
      checkpoints.add(transaction, {
        runId: input.runId,
        generation: input.generation,
        round,
        specSha256,
        uri,
        sha256,
        bytes: String(bytes),
        epoch: fence.epoch,
      }),
    )
    durable = { round, uri, sha256 }
    // A long training must not fill the disk with what the object store has.
    await rm(file)
    beat(round)
  }
  const onEvent = (event: JobEvent) => {
    switch (event.event) {
      case 'started':
        return beat(event.fromRound)
      case 'progress':
        return beat(event.round, event.trainRmse)
      case 'checkpoint':
        saving = saving
          .then(() => save(event))
          .catch((error: unknown) => {
            failure ??= error
            broken.abort()
          })
    }
  }

  // Whoever goes on gets the rounds made so far; what is cancelled needs nothing any more.
  const leave = () => (goesOnElsewhere(context) ? handOver : broken).abort()
  context.cancellationSignal.addEventListener('abort', leave, { once: true })
  if (context.cancellationSignal.aborted) leave()

  beat(resume?.round ?? 0)
  try {
    const result = await runJob(
      {
        kind: 'train',
        library: engine.library,
        data: {
          file: await objects.toFile(training.table, directory),
          features: spec.features,
          target: spec.target,
        },
        parameters: spec.parameters as Record<string, string | number>,
        rounds: spec.rounds,
        checkpointEvery: spec.checkpointEvery,
        directory,
        ...(resume ? { resume } : {}),
      },
      { scratch: directory, signal: broken.signal, stop: handOver.signal, onEvent },
    )
    await saving
    if (failure) throw failure
    return result
  } catch (error) {
    await saving
    if (failure) throw failure
    if (context.cancellationSignal.aborted) throw new CancelledFailure('The training was cancelled.')
    throw error
  }
}

/** True where the activity must end and will be tried again: its worker is drained, or it was paused. */
function goesOnElsewhere({ cancellationDetails }: Context): boolean {
  const { workerShutdown, paused, reset } = cancellationDetails ?? {}
  return workerShutdown === true || paused === true || reset === true
}

/** The checkpoint with the most rounds that is of the same job and whose bytes are what they should be. */
async function newestValid(
  { checkpoints, objects }: CheckpointPorts,
  input: RunInput,
  specSha256: string,
  directory: string,
): Promise<{ file: string; round: number } | undefined> {
  const candidates = await checkpoints.list(input.runId, input.generation)
  for (const checkpoint of candidates.filter(candidate => candidate.specSha256 === specSha256)) {
    const file = await readable(checkpoint, directory, objects)
    if (file) return { file, round: checkpoint.round }
  }
  return undefined
}

async function readable(
  checkpoint: Checkpoint,
  directory: string,
  objects: Ports['objects'],
): Promise<string | undefined> {
  try {
    return await objects.toFile(checkpoint.uri, directory)
  } catch (error) {
    // A checkpoint that is gone or damaged costs rounds, not the training.
    if (error instanceof MlforgeError && (error.code === 'object_missing' || error.code === 'object_corrupt'))
      return undefined
    throw error
  }
}
