import type { ColumnType, Schema } from './schema.js'

/** What one schema has otherwise than another: null where the column is not there. */
export interface SchemaChange {
  readonly column: string
  readonly change: 'added' | 'removed' | 'retyped'
  readonly type: { readonly from: ColumnType | null; readonly to: ColumnType | null }
}

/** Columns added, of another type, and removed: those of `to` in its order, then those that it has no longer. */
export function schemaChanges(from: Schema, to: Schema): SchemaChange[] {
  const before = new Map(from.map(({ name, type }) => [name, type]))
  const after = new Set(to.map(({ name }) => name))
  return [
    ...to.flatMap(({ name: column, type }): SchemaChange[] => {
      const old = before.get(column) ?? null
      if (old === type) return []
      return [{ column, change: old === null ? 'added' : 'retyped', type: { from: old, to: type } }]
    }),
    ...from
      .filter(({ name }) => !after.has(name))
      .map(({ name: column, type }): SchemaChange => ({
        column,
        change: 'removed',
        type: { from: type, to: null },
      })),
  ]
}
