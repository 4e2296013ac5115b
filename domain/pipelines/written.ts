import type { Json } from '../canonical-json.js'
import { signatureProblems } from '../models/read-signature.js'
import type { PipelineProblem } from './problems.js'
import { partsOf } from './references.js'
import { operationProblems } from './transform/operations.js'

type Inputs = Readonly<Record<string, Json>>

/**
 * What is wrong with the inputs of a step beyond their types, as far as they are written out: what a
 * reference stands for is looked at when the step begins. Paths begin at its inputs.
 */
export function writtenProblems(uses: string, inputs: Inputs): PipelineProblem[] {
  switch (uses) {
    case 'transform':
      return inside('operations', inputs, operations => operationProblems(operations, isOpen))
    case 'register':
      return inside('signature', inputs, signature => signatureProblems(signature, isOpen))
    case 'evaluate':
      return versionProblems(inputs)
    default:
      return []
  }
}

/** A version is named by its number or by an alias. */
function versionProblems({ version, alias }: Inputs): PipelineProblem[] {
  if (version === undefined || alias === undefined) return []
  return [{ path: ['alias'], message: 'Either "version" or "alias" says which version, not both.' }]
}

function inside(
  name: string,
  inputs: Inputs,
  check: (value: Json) => readonly PipelineProblem[],
): PipelineProblem[] {
  const value = inputs[name]
  if (value === undefined) return []
  return check(value).map(({ path, message }) => ({ path: [name, ...path], message }))
}

/** True for text that a reference makes something else of. */
function isOpen(value: Json): boolean {
  return typeof value === 'string' && partsOf(value).some(part => !('text' in part))
}
