import type { Problem } from '../../../domain/errors.js'
import { readSignature } from '../../../domain/models/read-signature.js'
import { figureProblems, soleFile } from '../../../domain/models/registration.js'
import { NAME_PATTERN, NAME_RULE } from '../../../domain/names.js'
import { inputInvalid } from '../../../domain/pipelines/invalid-input.js'
import { located } from '../../../domain/pipelines/problems.js'
import type { TableValue } from '../../../domain/pipelines/values.js'
import { writtenProblems } from '../../../domain/pipelines/written.js'
import { writeFile } from '../../objects.js'
import { reads, writes } from '../../../stores/lineage-scope.js'
import type { Ports } from '../../ports.js'
import { datasetNamed, lineageProblems } from '../named-dataset.js'
import type { StepRunner } from '../step-context.js'
import { tryModel } from '../try-model.js'

type RegisterPorts = Pick<Ports, 'models' | 'datasets' | 'objects' | 'code'>

/** Makes a version of a model of an ONNX file, in the transaction that ends the step. */
export function registerStep(ports: RegisterPorts): StepRunner {
  const { models, objects, code } = ports
  return async ({ project, pipeline, runId, step, effectKey, inputs, directory, signal, log }) => {
    const model = String(inputs['model'])
    const file = soleFile(inputs['file']!, project)
    const problems = [
      ...nameProblems(model),
      ...('at' in file ? [file] : []),
      ...writtenProblems('register', inputs).map(located),
      ...figureProblems(inputs['metrics']),
      ...lineageProblems(inputs),
    ]
    if (problems.length > 0 || 'at' in file) throw inputInvalid(problems)
    const signature = readSignature(inputs['signature']!)
    const dataset = await datasetNamed(ports, project, inputs)
    const sample = inputs['sample'] as unknown as TableValue | undefined
    if (dataset !== null) reads({ kind: 'dataset', ...dataset })
    const tried = await tryModel(
      {
        file: await objects.toFile(file.uri, directory),
        signature,
        sample: sample && (await objects.toFile(sample.uri, directory)),
      },
      { directory, signal },
    )
    log(`${file.name}: ${file.bytes} bytes, takes ${signature.features.length} features, answers`)
    // What the store says, not what the value does: a definition may write one out.
    const { uri } = file
    const sha256 = uri.slice(uri.lastIndexOf('/') + 1)
    const bytes = (await objects.size(uri)) ?? file.bytes
    const samples = await writeFile(objects, project, tried)
    return async transaction => {
      const { version } = await models.register(transaction, project, model, {
        engine: 'onnx',
        sha256,
        artifacts: { 'model.onnx': { uri, sha256, bytes }, 'samples.parquet': samples },
        signature,
        // Nobody here has measured it, judged it or compared it with an engine.
        metrics: null,
        gate: null,
        parity: null,
        lineage: { dataset, metrics: inputs['metrics'] ?? null, code, pipeline, run: runId, step },
        runId,
        effectKey,
      })
      writes({ kind: 'model', name: model, version })
      return { outputs: { model, version, sha256 }, note: `${model} version ${version}` }
    }
  }
}

function nameProblems(model: string): Problem[] {
  if (NAME_PATTERN.test(model)) return []
  return [{ at: 'model', message: `"${model}" cannot name a model. Use ${NAME_RULE}.` }]
}
