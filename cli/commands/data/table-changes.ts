import type { DataCatalogue } from '../../../sdk/data/data-catalogue.js'
import { count } from './output.js'

type TableChanges = NonNullable<Awaited<ReturnType<DataCatalogue['tableDiff']>>['table']>
type SchemaChange = TableChanges['schema'][number]
type ColumnDiff = NonNullable<TableChanges['distributions']>[number]

const MOST = 200

/** What two versions of a table have otherwise, in a few lines. */
export function showTableChanges({ rows, schema, distributions }: TableChanges): void {
  const moved = distributions?.filter(({ distance }) => distance !== null && distance.shift !== 'none')
  console.log(`table    ${rows.from} to ${count(rows.to ?? 0, 'row')}; ${howMany(moved)}`)
  const lines = [...schema.map(schemaLine), ...(moved ?? []).map(movedLine)]
  for (const line of lines.slice(0, MOST)) console.log(line)
  if (lines.length > MOST) console.log(`  and ${count(lines.length - MOST, 'more column')}`)
}

function howMany(moved: readonly ColumnDiff[] | undefined): string {
  if (moved === undefined) return 'distributions unknown: a version has no profile'
  return moved.length === 0 ? 'no column has shifted' : `${count(moved.length, 'column')} shifted`
}

function schemaLine({ column, change, type }: SchemaChange): string {
  const types = change === 'retyped' ? `${type.from} to ${type.to}` : (type.to ?? type.from)
  return `  ${change.padEnd(8)} ${column}  ${types}`
}

function movedLine({ name, distance, mean }: ColumnDiff): string {
  const { shift, psi } = distance!
  const means =
    mean.from === null || mean.to === null ? '' : `, mean ${brief(mean.from)} to ${brief(mean.to)}`
  return `  shifted  ${name}  ${shift}, psi ${psi.toFixed(3)}${means}`
}

const brief = (value: number): string => String(Number(value.toPrecision(6)))
