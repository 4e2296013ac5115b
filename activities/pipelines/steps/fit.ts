import { join } from 'node:path'
import type { Json } from '../../../domain/canonical-json.js'
import type { Problem } from '../../../domain/errors.js'
import { NAME_PATTERN, NAME_RULE } from '../../../domain/names.js'
import { inputInvalid } from '../../../domain/pipelines/invalid-input.js'
import { located } from '../../../domain/pipelines/problems.js'
import type { TableValue } from '../../../domain/pipelines/values.js'
import { writtenProblems } from '../../../domain/pipelines/written.js'
import { FOLD_LIMIT } from '../../../domain/transformations/limits.js'
import type { Step } from '../../../domain/transformations/steps.js'
import { reads } from '../../../stores/lineage-scope.js'
import { applyFolds, applyTransformation } from '../../../stores/duckdb/transformations.js'
import { writeFile } from '../../objects.js'
import type { Ports } from '../../ports.js'
import { learn, registerFitted } from '../../transformations.js'
import { datasetNamed, lineageProblems } from '../named-dataset.js'
import type { StepContext, StepRunner } from '../step-context.js'

type FitPorts = Pick<Ports, 'transformations' | 'datasets' | 'objects'>

/** Fits steps to a table, and changes the table by what they have learned. */
export function fitStep(ports: FitPorts): StepRunner {
  const { objects } = ports
  return async context => {
    const { project, runId, effectKey, inputs, log } = context
    const name = String(inputs['transformation'])
    const problems = [
      ...nameProblems(name),
      ...writtenProblems('fit', inputs).map(located),
      ...foldProblems(inputs['folds']),
      ...lineageProblems(inputs),
    ]
    if (problems.length > 0) throw inputInvalid(problems)
    const dataset = await datasetNamed(ports, project, inputs)
    if (dataset !== null) reads({ kind: 'dataset', ...dataset })
    const { learned, file, rows, columns } = await fit(ports, context)
    const { fitted } = learned
    log(`fitted to ${fitted.rows} rows: ${columns.length} columns`)
    const table: TableValue = { kind: 'table', ...(await writeFile(objects, project, file)), rows }
    const register = await registerFitted(ports, { project, name }, learned, {
      fittedWhere: textOf(inputs['where']) ?? null,
      table: (inputs['table'] as unknown as TableValue).sha256,
      dataset,
      runId,
      effectKey,
    })
    return async transaction => {
      const { version, sha256, created } = await register(transaction)
      return {
        outputs: {
          transformation: name,
          version,
          sha256,
          created,
          table: table as unknown as Json,
          rows: fitted.rows,
          columns: columns.map(column => column.name),
        },
        note: created ? `${name} version ${version}` : `${name} version ${version}, unchanged`,
      }
    }
  }
}

async function fit({ objects }: FitPorts, { inputs, directory, signal }: StepContext) {
  const table = inputs['table'] as unknown as TableValue
  const file = await objects.toFile(table.uri, directory)
  const where = textOf(inputs['where'])
  const steps = inputs['steps'] as unknown as readonly Step[]
  const outFile = join(directory, 'result.parquet')
  const options = { signal, temporaryDirectory: directory }
  const count = inputs['folds']
  const folds = count === undefined ? undefined : { count: Number(count), seed: Number(inputs['seed']) }
  const asked = { file, ...(where !== undefined && { where }) }
  const learned = await learn({ ...asked, steps, ...(folds && { folds }) }, options)
  const { fitted, dealt } = learned
  const made =
    dealt === undefined
      ? await applyTransformation({ file, fitted, outFile }, options)
      : await applyFolds({ ...asked, fitted, folds: dealt, ofFolds: dealt.ofFolds, outFile }, options)
  return { ...made, learned, file: outFile }
}

const textOf = (value: Json | undefined) => (value === undefined ? undefined : String(value))

function nameProblems(name: string): Problem[] {
  if (NAME_PATTERN.test(name)) return []
  return [{ at: 'transformation', message: `"${name}" cannot name a transformation. Use ${NAME_RULE}.` }]
}

function foldProblems(folds: Json | undefined): Problem[] {
  if (folds === undefined || (Number(folds) >= 2 && Number(folds) <= FOLD_LIMIT)) return []
  return [{ at: 'folds', message: `Must be a whole number of 2 to ${FOLD_LIMIT}.` }]
}
