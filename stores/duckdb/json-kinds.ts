import type { ProposedColumn } from '../../domain/datasets/inference.js'
import { MlforgeError } from '../../domain/errors.js'
import type { DuckDb } from './duckdb.js'
import { JSON_KINDS, type TableSource } from './table-source.js'

/** How many values of a column of JSON are of which kind. */
export type Kinds = Readonly<Record<(typeof JSON_KINDS)[number], number>>

/** None of a source whose values are all text. */
export async function kindsOf(
  db: DuckDb,
  { from, kind }: TableSource,
  columns: readonly string[],
): Promise<Kinds[]> {
  if (kind === null) return []
  const counts = columns.flatMap((column, i) =>
    JSON_KINDS.map(each => `count(*) FILTER (${kind(column)} = '${each}') AS ${each}${i}`),
  )
  const [found] = await db.query(`SELECT ${counts.join(', ')} FROM ${from}`)
  return columns.map(
    (_, i) => Object.fromEntries(JSON_KINDS.map(each => [each, found![`${each}${i}`] as number])) as Kinds,
  )
}

/**
 * A column whose values are of several kinds, none of them nearly all, is no string by itself.
 * @throws MlforgeError nested_values, types_mixed
 */
export function assertOneKind({ name, type }: ProposedColumn, kinds: Kinds): void {
  if (type !== 'string' || kinds.string === kinds.string + kinds.number + kinds.boolean + kinds.nested) return
  const declare = `declare columns.${name}.type`
  if (kinds.nested > 0) {
    throw new MlforgeError(
      'nested_values',
      `Column ${name} holds objects or lists in ${kinds.nested} rows, which are no values of a table. Write their members as columns of their own, or ${declare}: string to keep them as JSON text.`,
      { column: name, kinds },
    )
  }
  const present = JSON_KINDS.filter(each => kinds[each] > 0)
  // One kind that is no string by nature: numbers that no type of a table holds.
  if (present.length === 1) return
  throw new MlforgeError(
    'types_mixed',
    `Column ${name} holds ${present.map(each => `${kinds[each]} ${each}s`).join(' and ')}. Correct the file, or ${declare}: string keeps all as text, number puts what is none aside with badRows.`,
    { column: name, kinds },
  )
}
