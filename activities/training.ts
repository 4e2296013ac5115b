import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type {
  EvaluateOutcome,
  ExportOutcome,
  PrepareOutcome,
  RunInput,
  TrainOutcome,
} from '../contracts/temporal/messages.js'
import { MlforgeError } from '../domain/errors.js'
import type { TrainingSpec } from '../domain/training/spec.js'
import { behind, isBehindSame } from '../domain/models/replayed.js'
import type { ModelSignature } from '../domain/models/signature.js'
import { splitByTime } from '../stores/duckdb/split.js'
import { reads, writes } from '../stores/lineage-scope.js'
import type { ObjectStore } from '../stores/objects/object-store.js'
import type { ModelVersion } from '../stores/postgres/entities/model.js'
import type { ModelFile } from '../trainers/protocol.js'
import { runJob } from '../trainers/runner.js'
import { beatWhile } from './heartbeats.js'
import { json, writeFile } from './objects.js'
import type { Ports } from './ports.js'
import { withScratch } from './scratch.js'
import { servedSignature } from './replays.js'
import { signatureOf } from './signature.js'
import { onceStep, outcomeOf } from './step.js'
import { trainWithCheckpoints } from './train-with-checkpoints.js'

type TrainingPorts = Pick<
  Ports,
  | 'runs'
  | 'ledger'
  | 'wakes'
  | 'checkpoints'
  | 'datasets'
  | 'transformations'
  | 'models'
  | 'objects'
  | 'engine'
  | 'scratch'
>

export function trainingActivities(ports: TrainingPorts) {
  const { runs, ledger, datasets, models, objects, engine, scratch } = ports

  const specOf = async (input: RunInput) =>
    (await runs.get(input.project, input.runId)).request as TrainingSpec

  return {
    /** Rows to train on and rows held out, as two Parquet objects; what is wrong with them refuses the run. */
    async prepareSplit(input: RunInput): Promise<PrepareOutcome> {
      return onceStep(ports, input, 'prepare', () =>
        withScratch(scratch, directory =>
          beatWhile('splitting the dataset', async signal => {
            const spec = await specOf(input)
            const version = await datasets.table(input.project, spec.dataset.name, spec.dataset.version)
            reads({ kind: 'dataset', name: spec.dataset.name, version: version.version })
            // What could not be served is not worth a training.
            await servedSignature(ports, input.project, spec)
            const table = await objects.toFile(version.parquet.uri, directory)
            const keep = [spec.split.column, ...spec.baseline.by]
            const split = await splitByTime(
              table,
              {
                ...spec.split,
                features: spec.features,
                target: spec.target,
                keep,
                ...(spec.control ? { permuteTarget: spec.control.permuteTarget } : {}),
              },
              directory,
              { signal, temporaryDirectory: directory },
            )
            const champion = await models.aliased(input.project, spec.model, 'champion')
            const warnings = split.warnings.map(warning => warning.message)
            if (champion && !isBehindSame(champion.signature as ModelSignature, spec)) {
              warnings.push(notCompared(champion, spec))
            }
            return {
              train: await writeFile(objects, input.project, split.train.file),
              holdout: await writeFile(objects, input.project, split.holdout.file),
              trainRows: split.train.rows,
              holdoutRows: split.holdout.rows,
              warnings,
            }
          }),
        ),
      )
    },

    /** Boosts in a child process, from the newest valid checkpoint where there is one. */
    async train(input: RunInput): Promise<TrainOutcome> {
      return onceStep(ports, input, 'train', fence =>
        withScratch(scratch, async directory => {
          const spec = await specOf(input)
          const { train } = await outcomeOf<PrepareOutcome>(ledger, input, 'prepare')
          const result = await trainWithCheckpoints(ports, {
            input,
            spec,
            fence,
            table: train.uri,
            directory,
          })
          const { rounds, fromRound, seconds } = result
          return {
            model: await writeFile(objects, input.project, result.model.file),
            rounds,
            resumedFromRound: fromRound,
            seconds,
            details: await json(objects, input.project, {
              engine: result.engine,
              featureImportance: result.featureImportance,
              peakRssBytes: result.peakRssBytes,
              rows: result.rows,
              trainRmse: result.trainRmse,
            }),
          }
        }),
      )
    },

    /** Errors on the held-out rows: of the model, of the baseline, and of the champion where there is one. */
    async evaluate(input: RunInput): Promise<EvaluateOutcome> {
      return onceStep(ports, input, 'evaluate', () =>
        withScratch(scratch, directory =>
          beatWhile('evaluating', async signal => {
            const spec = await specOf(input)
            const data = await outcomeOf<PrepareOutcome>(ledger, input, 'prepare')
            const { model } = await outcomeOf<TrainOutcome>(ledger, input, 'train')
            const champion = await comparedChampion(ports, input.project, spec)
            if (champion) reads({ kind: 'model', name: spec.model, version: champion.version })
            const signature = await signatureOf(datasets, input.project, spec)
            const result = await runJob(
              {
                kind: 'evaluate',
                library: engine.library,
                model: { file: await objects.toFile(model.uri, directory), signature },
                ...(champion
                  ? {
                      champion: await championFile(
                        objects,
                        champion,
                        await subdirectory(directory, 'champion'),
                      ),
                    }
                  : {}),
                holdout: await objects.toFile(data.holdout.uri, directory),
                train: await objects.toFile(data.train.uri, directory),
                baselineColumns: spec.baseline.by,
                keyColumns: [...new Set([spec.split.column, ...spec.baseline.by])],
                directory,
              },
              { scratch: directory, signal },
            )
            writes({ kind: 'report', run: input.runId })
            return {
              rows: result.rows,
              metrics: result.metrics,
              ...(champion ? { championVersion: champion.version } : {}),
              predictions: await writeFile(objects, input.project, result.predictions.file),
            }
          }),
        ),
      )
    },

    /** ONNX of the same model, compared with the engine on every held-out row. */
    async exportModel(input: RunInput): Promise<ExportOutcome> {
      return onceStep(ports, input, 'export', () =>
        withScratch(scratch, directory =>
          beatWhile('exporting to ONNX', async signal => {
            const spec = await specOf(input)
            const data = await outcomeOf<PrepareOutcome>(ledger, input, 'prepare')
            const { model } = await outcomeOf<TrainOutcome>(ledger, input, 'train')
            const { onnx, parity } = await runJob(
              {
                kind: 'export',
                library: engine.library,
                model: {
                  file: await objects.toFile(model.uri, directory),
                  signature: await signatureOf(datasets, input.project, spec),
                },
                holdout: await objects.toFile(data.holdout.uri, directory),
                directory,
              },
              { scratch: directory, signal },
            )
            if (!parity.passed) {
              throw new MlforgeError(
                'parity_failed',
                `The ONNX export differs from the engine by ${parity.maxDifference} at held-out row ${parity.worstRow}; ` +
                  `${parity.tolerance} is allowed. The model is not registered.`,
                { parity },
              )
            }
            return { onnx: await writeFile(objects, input.project, onnx.file), parity }
          }),
        ),
      )
    },
  }
}

export type TrainingActivities = ReturnType<typeof trainingActivities>

/** The champion, where it takes features that were made as those of this training are. */
async function comparedChampion(
  { models }: Pick<TrainingPorts, 'models'>,
  project: string,
  spec: TrainingSpec,
): Promise<ModelVersion | null> {
  const champion = await models.aliased(project, spec.model, 'champion')
  return champion && isBehindSame(champion.signature as ModelSignature, spec) ? champion : null
}

function notCompared({ version, signature }: ModelVersion, spec: TrainingSpec): string {
  const other = behind(signature as ModelSignature)
  return `Version ${version}, the champion, is behind ${other} and this one behind ${behind(spec)}: they are not compared.`
}

/** The engine's own file, and the ONNX file of a version that has no other. */
async function championFile(
  objects: ObjectStore,
  { version, artifacts, signature: of }: ModelVersion,
  directory: string,
): Promise<ModelFile> {
  const signature = of as ModelSignature
  const { 'model.ubj': own, 'model.onnx': onnx } = artifacts
  if (own) return { file: await objects.toFile(own.uri, directory), signature }
  if (onnx) return { file: await objects.toFile(onnx.uri, directory), format: 'onnx', signature }
  throw new MlforgeError('internal', `Version ${version} has neither model.ubj nor model.onnx.`)
}

async function subdirectory(directory: string, name: string): Promise<string> {
  const path = join(directory, name)
  await mkdir(path, { recursive: true })
  return path
}
