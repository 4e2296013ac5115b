import type { ColumnType } from '../datasets/schema.js'
import type { Problem } from '../errors.js'
import { didYouMean } from '../suggest.js'
import type { FeatureType, ModelSignature } from './signature.js'

/** A column of a table; one of a type that datasets do not have has none here. */
export interface TypedColumn {
  readonly name: string
  readonly type?: ColumnType
}

/** Types of columns that a feature takes its values from: whole numbers are numbers too. */
const TAKEN: Readonly<Record<FeatureType, readonly ColumnType[]>> = {
  number: ['number', 'integer'],
  integer: ['integer'],
  boolean: ['boolean'],
}

/** Everything that is wrong with the columns of a table for a model that takes such features. */
export function featureProblems(
  { features }: Pick<ModelSignature, 'features'>,
  columns: readonly TypedColumn[],
): Problem[] {
  const names = columns.map(column => column.name)
  return features.flatMap(({ name, type }): Problem[] => {
    const column = columns.find(each => each.name === name)
    if (!column) {
      return [{ at: `features.${name}`, message: `The table has no such column.${didYouMean(name, names)}` }]
    }
    if (column.type !== undefined && TAKEN[type].includes(column.type)) return []
    const is = column.type ?? 'of a type that no feature has'
    return [
      { at: `features.${name}`, message: `The model takes ${type}; the column is ${is}. Cast it before.` },
    ]
  })
}
