import type { Problem } from '../errors.js'
import { type Column, isSameName } from './columns.js'
import type { FittedTransformation } from './fitted.js'
import { onlyTargets } from './plan.js'
import { transformationMismatch } from './problems.js'

/**
 * The columns of the fit that a table has, in the order of the fit, and targets that it may lack.
 * @throws MlforgeError transformation_mismatch with all columns that are missing or of another type
 */
export function applicableColumns(
  { input, steps }: Pick<FittedTransformation, 'input' | 'steps'>,
  found: readonly Column[],
): { readonly columns: readonly Column[]; readonly absent: ReadonlySet<string> } {
  const optional = onlyTargets(steps)
  const types = new Map(found.map(column => [column.name, column.type]))
  const absent = input.filter(column => !types.has(column.name))
  const problems = [
    ...absent.filter(column => !optional.has(column.name)).map(column => missing(column, found)),
    ...input.flatMap(({ name: column, type }) => {
      const own = types.get(column) ?? type
      return own === type
        ? []
        : [{ at: column, message: `"${column}" is ${own}; the transformation was fitted to ${type}.` }]
    }),
  ]
  if (problems.length > 0) throw transformationMismatch(problems)
  return {
    columns: input.filter(column => types.has(column.name)),
    absent: new Set(absent.map(column => column.name)),
  }
}

function missing({ name: column, type }: Column, found: readonly Column[]): Problem {
  const near = found.find(other => isSameName(other.name, column))
  const hint = near === undefined ? '' : ` It has "${near.name}".`
  return { at: column, message: `The table has no column "${column}" (${type}).${hint}` }
}
