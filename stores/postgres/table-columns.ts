import type { Schema } from '../../domain/datasets/schema.js'

/** What a version without a table has for one. */
export const NO_TABLE = {
  rows: null,
  raw: null,
  parquet: null,
  quarantine: null,
  schema: null,
  conversion: null,
  proposal: null,
  expectations: null,
  suite: null,
  profile: null,
}

/** Names, types and formats, whatever their order. */
export function shape(schema: unknown): string {
  const columns = (schema as Schema).map(({ name, type, format }) =>
    JSON.stringify([name, type, format ?? null]),
  )
  return columns.sort().join()
}
