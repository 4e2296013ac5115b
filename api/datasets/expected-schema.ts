import type { Expectation } from '../../contracts/rest/datasets.js'
import type { ColumnType, DeclaredColumns, Schema } from '../../domain/datasets/schema.js'

/**
 * The schema that a first version may have, as far as the request tells: declared types, else the
 * types that its expectations take for granted. Enough to find names and fields that cannot be.
 */
export function expectedSchema(
  names: readonly string[],
  declared: DeclaredColumns,
  expectations: readonly Expectation[],
): Schema {
  return names.map(name => ({
    name,
    type: declared[name]?.type ?? takenForGranted(name, expectations) ?? 'string',
    nullable: true,
  }))
}

function takenForGranted(name: string, expectations: readonly Expectation[]): ColumnType | undefined {
  const { min, max, exclusiveMin, exclusiveMax, values } =
    expectations.find(each => each.column === name) ?? {}
  const example = min ?? max ?? exclusiveMin ?? exclusiveMax ?? values?.[0]
  switch (typeof example) {
    case 'number':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'string':
      return values === undefined ? 'timestamp' : 'string'
    default:
      return undefined
  }
}
