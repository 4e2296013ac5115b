import type { FailingRow } from '../../../domain/datasets/expectations.js'
import { definitionOf } from '../../../domain/expectations/catalogue.js'
import type { Expectation } from '../../../domain/expectations/expectation.js'
import { type Measured, SHOWN, SHOWN_CHARACTERS } from '../../../domain/expectations/outcome.js'
import { type DuckDb, type JsonValue, name } from '../duckdb.js'
import { unexpectedOfWhole } from './distribution.js'
import { judgedColumns } from './judged.js'
import { unexpectedInReference } from './reference.js'
import { unexpectedRow } from './scan.js'
import { both, Scope } from './scope.js'
import { ROW, type Types } from './table.js'
import { unexpectedInScan } from './unexpected.js'

const SHOWN_COLUMNS = 20

export interface Failed {
  readonly expectation: Expectation
  readonly measured: Measured
}

export interface Sample {
  readonly rows: readonly FailingRow[]
  readonly foreign?: readonly string[]
}

/** Of so many failed expectations the rows are asked for at once: the time to plan a statement grows with its square. */
const AT_ONCE = 50

/** The first rows that fail of every expectation that does: one statement, but of very many. */
export async function failingRows(
  db: DuckDb,
  failed: readonly Failed[],
  types: Types,
  now: string,
  tables: readonly string[],
): Promise<Sample[]> {
  const samples: Sample[] = []
  for (let from = 0; from < failed.length; from += AT_ONCE)
    samples.push(...(await someRows(db, failed.slice(from, from + AT_ONCE), types, now, tables)))
  return samples
}

async function someRows(
  db: DuckDb,
  failed: readonly Failed[],
  types: Types,
  now: string,
  tables: readonly string[],
): Promise<Sample[]> {
  const scope = new Scope(types, now)
  const fails = failed.map(each => failing(each, scope, tables))
  const from = scope.from()
  const picked = fails.map((condition, i) => {
    const { expectation } = failed[i]!
    const foreign =
      expectation.type === 'expect_column_values_to_be_in_set'
        ? foreignValues(scope.value(expectation.column!, expectation), condition, from)
        : 'NULL::VARCHAR[]'
    return `{e: ${i}, numbers: min(${ROW}, ${SHOWN}) FILTER (${condition}), values: ${foreign}}`
  })
  const shownOf = ({ expectation }: Failed): string[] => {
    const involved = [...new Set(judgedColumns(expectation))]
    const others = [...types.keys()].filter(column => !involved.includes(column))
    return [...involved, ...others.slice(0, SHOWN_COLUMNS)]
  }
  const shown = [...new Set(failed.flatMap(shownOf))]
  // By their places: a column may have any name.
  const found = await db.query(`WITH wanted AS MATERIALIZED (
      SELECT p.e AS e, p.values AS others, unnest(p.numbers) AS number
      FROM (SELECT unnest([${picked.join(', ')}]) AS p FROM ${from}))
    SELECT wanted.e AS e, wanted.others AS others, wanted.number AS number,
      ${shown.map((column, i) => `${shownValue(column, types)} AS c${i}`).join(', ')}
    FROM wanted JOIN t ON t.${ROW} = wanted.number ORDER BY wanted.e, wanted.number`)
  const places = new Map(shown.map((column, i) => [column, `c${i}`]))
  return failed.map((each, i) => {
    const own = found.filter(row => row['e'] === i)
    const first = shownOf(each)
    const rows = own.map(row => ({
      row: (row['number'] as number) + 1,
      values: Object.fromEntries(first.map(column => [column, row[places.get(column)!] as JsonValue])),
    }))
    const values = own[0]?.['others'] as string[] | null | undefined
    return { rows, ...(values != null && { foreign: values }) }
  })
}

function shownValue(column: string, types: Types): string {
  const value = `t.${name(column)}`
  return types.get(column) === 'VARCHAR' ? `left(${value}, ${SHOWN_CHARACTERS})` : value
}

function foreignValues(value: string, condition: string, from: string): string {
  return `(SELECT list(left(__mlforge_f::VARCHAR, ${SHOWN_CHARACTERS})) FROM (SELECT DISTINCT ${value} AS __mlforge_f FROM ${from}
    WHERE ${condition} ORDER BY __mlforge_f LIMIT ${SHOWN}))`
}

/** True for a row that fails, whichever statement has counted it. */
function failing({ expectation, measured }: Failed, scope: Scope, tables: readonly string[]): string {
  switch (definitionOf(expectation.type)!.query) {
    case 'uniqueness':
      return repeats(expectation, scope)
    case 'reference':
      return unexpectedInReference(expectation, scope, tables)
    case 'distribution':
      return unexpectedOfWhole(expectation, scope, measured)
    default:
      return unexpectedRow(expectation, unexpectedInScan(expectation, scope), scope)
  }
}

/** Structs are alike where both miss the same fields, as keys are. */
function repeats(expectation: Expectation, scope: Scope): string {
  const columns = judgedColumns(expectation)
  const key = `{${columns.map((column, i) => `k${i}: ${scope.value(column, expectation)}`).join(', ')}}`
  const nothing = columns.length === 1 ? `${scope.value(columns[0]!, expectation)} IS NOT NULL` : 'true'
  const judged = both(unexpectedRow(expectation, 'true', scope), nothing)
  return `${judged} AND ${key} IN (SELECT ${key} FROM ${scope.from()} WHERE ${judged} GROUP BY ALL HAVING count(*) > 1)`
}
