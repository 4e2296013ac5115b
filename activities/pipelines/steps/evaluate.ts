import type { Json } from '../../../domain/canonical-json.js'
import { MlforgeError } from '../../../domain/errors.js'
import { reportOfStep } from '../../../domain/lineage/nodes.js'
import { featureProblems } from '../../../domain/models/feature-columns.js'
import { PREDICTION } from '../../../domain/models/read-signature.js'
import type { ModelSignature } from '../../../domain/models/signature.js'
import { inputInvalid } from '../../../domain/pipelines/invalid-input.js'
import { located } from '../../../domain/pipelines/problems.js'
import type { TableValue } from '../../../domain/pipelines/values.js'
import { writtenProblems } from '../../../domain/pipelines/written.js'
import { didYouMean } from '../../../domain/suggest.js'
import { tableColumns } from '../../../stores/duckdb/expectations/table.js'
import { reads, writes } from '../../../stores/lineage-scope.js'
import type { ModelVersion } from '../../../stores/postgres/entities/model.js'
import { runJob } from '../../../trainers/runner.js'
import { writeFile } from '../../objects.js'
import type { Ports } from '../../ports.js'
import type { StepRunner } from '../step-context.js'

interface EvaluateInputs {
  readonly model: string
  readonly version?: number
  readonly alias?: string
  readonly table: TableValue
  readonly target?: string
}

/** An alias names another version tomorrow: only of a version an outcome is taken over. */
export async function evaluateIdentity(inputs: Readonly<Record<string, Json>>): Promise<Json> {
  return Promise.resolve(inputs['version'] === undefined ? null : 'inputs')
}

/** Scores a version of a model on a table, in a process of its own, with the figures that a training has. */
export function evaluateStep({ models, objects }: Pick<Ports, 'models' | 'objects'>): StepRunner {
  return async ({ project, runId, step, inputs, directory, signal, log }) => {
    const wrong = writtenProblems('evaluate', inputs)
    if (wrong.length > 0) throw inputInvalid(wrong.map(located))
    const asked = inputs as unknown as EvaluateInputs
    const version = await versionOf(models, project, asked)
    const { 'model.onnx': onnx } = version.artifacts
    if (!onnx) {
      throw new MlforgeError(
        'preflight_failed',
        `Version ${version.version} of model "${asked.model}" has no ONNX export, so it cannot be scored.`,
      )
    }
    reads({ kind: 'model', name: asked.model, version: version.version })
    const signature = version.signature as ModelSignature
    const { target = signature.target } = asked
    const table = await objects.toFile(asked.table.uri, directory)
    await assertColumns(table, signature, target, { signal, temporaryDirectory: directory })
    const file = await objects.toFile(onnx.uri, directory)
    const { rows, metrics, predictions } = await runJob(
      { kind: 'score', model: { file, format: 'onnx', signature }, table, target, directory },
      { scratch: directory, signal },
    )
    writes(reportOfStep(runId, step))
    log(`version ${version.version}, ${rows} rows: ${JSON.stringify(metrics)}`)
    const scored: TableValue = {
      kind: 'table',
      ...(await writeFile(objects, project, predictions.file)),
      rows,
    }
    return {
      outputs: {
        metrics: { ...metrics! },
        rows,
        predictions: scored as unknown as Json,
        version: version.version,
      },
      note: `version ${version.version}, RMSE ${metrics!.rmse.toPrecision(4)}`,
    }
  }
}

async function versionOf(
  models: Ports['models'],
  project: string,
  { model, version, alias = 'champion' }: EvaluateInputs,
): Promise<ModelVersion> {
  if (version !== undefined) return models.version(project, model, version)
  const { name } = await models.get(project, model)
  const found = await models.aliased(project, name, alias)
  if (found) return found
  throw new MlforgeError(
    'not_found',
    `Model "${name}" has no alias "${alias}". Set it, or say which version is meant.`,
  )
}

/** All that is wrong with the columns at once. */
async function assertColumns(
  table: string,
  signature: ModelSignature,
  target: string,
  options: { signal: AbortSignal; temporaryDirectory: string },
): Promise<void> {
  const columns = await tableColumns(table, options)
  const names = columns.map(({ name }) => name)
  const problems = [...featureProblems(signature, columns)]
  if (!names.includes(target)) {
    const message = `The table has no column "${target}" with the truth.${didYouMean(target, names)}`
    problems.push({ at: 'target', message })
  }
  const taken = names.find(name => name.toLowerCase() === PREDICTION)
  if (taken !== undefined) {
    const message = `The table has a column "${taken}", which the predictions are called. Rename or drop it before.`
    problems.push({ at: 'table', message })
  }
  if (problems.length === 0) return
  const all = problems.map(({ at, message }) => `${at}: ${message}`).join(' ')
  throw new MlforgeError('features_invalid', `The table cannot be scored. ${all}`, { problems })
}
