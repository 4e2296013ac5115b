import type { Json } from '../canonical-json.js'
import { MlforgeError } from '../errors.js'
import { comparesVersions } from '../expectations/versions.js'
import { signatureProblems } from '../models/read-signature.js'
import { stepSource } from '../sensors/requested-source.js'
import type { FieldCheck, IsOpen } from './fields.js'
import { selectorOf, suiteSelectorOf } from './pins.js'
import type { PipelineProblem } from './problems.js'
import { partsOf } from './references.js'
import { strategy, training } from './requests.js'
import { writtenStepProblems } from '../transformations/problems.js'
import { operationProblems } from './transform/operations.js'

type Inputs = Readonly<Record<string, Json>>

/**
 * What is wrong with the inputs of a step beyond their types, as far as they are written out: what a
 * reference stands for is looked at when the step begins. Paths begin at its inputs.
 */
export function writtenProblems(uses: string, inputs: Inputs): PipelineProblem[] {
  switch (uses) {
    case 'dataset':
      return named(selectorOf, 'dataset', inputs)
    case 'gate':
      return [...named(selectorOf, 'dataset', inputs), ...named(suiteSelectorOf, 'suite', inputs)]
    case 'transform':
      return inside('operations', inputs, operationProblems)
    case 'fit':
      return inside('steps', inputs, writtenStepProblems)
    case 'register':
      return inside('signature', inputs, signatureProblems)
    case 'validate':
      return [...named(suiteSelectorOf, 'suite', inputs), ...comparedProblems(inputs['expectations'], inputs)]
    case 'evaluate':
      return versionProblems(inputs)
    case 'train':
      return written(training, 'training', inputs)
    case 'deploy':
      return inputs['strategy'] === null ? [] : written(strategy, 'strategy', inputs)
    case 'sensor':
      return written(stepSource, 'source', inputs)
    case 'wait':
      return written(stepSource, 'condition', inputs)
    default:
      return []
  }
}

/**
 * What is wrong with the version that a table is compared as: expectations of how it has changed need one.
 * @param expectations of the inputs, or of the suite that these name
 */
export function comparedProblems(expectations: unknown, { dataset, version }: Inputs): PipelineProblem[] {
  if ((dataset === undefined) !== (version === undefined)) {
    const path = [dataset === undefined ? 'dataset' : 'version']
    return [{ path, message: 'A dataset and its version say together which one the table is.' }]
  }
  if (dataset !== undefined || !Array.isArray(expectations)) return []
  return expectations.flatMap((expectation: unknown, i) =>
    comparesVersions(expectation) ? [{ path: ['expectations', i], message: NOT_COMPARED }] : [],
  )
}

const NOT_COMPARED =
  'Compares with the version before: give "dataset" and "version", of which the table is. A table that is no version has none before it.'

/** A version is named by its number or by an alias. */
function versionProblems({ version, alias }: Inputs): PipelineProblem[] {
  if (version === undefined || alias === undefined) return []
  return [{ path: ['alias'], message: 'Either "version" or "alias" says which version, not both.' }]
}

function inside(
  name: string,
  inputs: Inputs,
  problems: (value: Json, isOpen: IsOpen) => readonly PipelineProblem[],
): PipelineProblem[] {
  const value = inputs[name]
  if (value === undefined) return []
  return problems(value, isOpen).map(({ path, message }) => ({ path: [name, ...path], message }))
}

function written(check: FieldCheck, name: string, inputs: Inputs): PipelineProblem[] {
  const value = inputs[name]
  return value === undefined || isOpen(value) ? [] : check(value, [name], isOpen)
}

/** What is wrong with a text that has to name something. */
function named(read: (text: string) => unknown, name: string, inputs: Inputs): PipelineProblem[] {
  const value = inputs[name]
  if (typeof value !== 'string' || isOpen(value)) return []
  try {
    read(value)
    return []
  } catch (error) {
    if (!(error instanceof MlforgeError)) throw error
    return [{ path: [name], message: error.message }]
  }
}

/** True for text that a reference makes something else of. */
function isOpen(value: Json): boolean {
  return typeof value === 'string' && partsOf(value).some(part => !('text' in part))
}
