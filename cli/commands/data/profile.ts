import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { Profiles } from '../../../sdk/data/profiles.js'
import { connect } from '../../connect.js'
import { here } from './local.js'
import { count, told } from './output.js'

type TableProfile = Awaited<ReturnType<Profiles['get']>>
type ProfileDiff = Awaited<ReturnType<Profiles['diff']>>
type ColumnProfile = TableProfile['columns'][number]
type ColumnDiff = ProfileDiff['columns'][number]
type ProfileAlert = TableProfile['alerts'][number]

interface Options {
  readonly html?: string
  readonly compare?: string
  readonly dataset?: string
  readonly json?: boolean
}

/** What the rows of versions are like. */
export function profileCommand(data: Command): void {
  data
    .command('profile [version]')
    .description('what the rows of a version are like; the newest one where none is named')
    .option('--dataset <name>', 'another than that of the working directory')
    .option('--html <file>', 'write it as a page for a browser')
    .option('--compare <version>', 'what it has otherwise than this version')
    .option('--json', 'as JSON')
    .action(async (version = 'latest', { html, compare, dataset = here().dataset, json }: Options) => {
      const profiles = new Profiles(await connect(), dataset)
      if (html !== undefined) {
        const page = compare === undefined ? profiles.page(version) : profiles.diffPage(compare, version)
        await writeFile(html, await told(page))
        console.log(`Written to ${html}.`)
      } else if (compare === undefined) {
        const found = await told(profiles.get(version))
        if (json === true) console.log(JSON.stringify(found, null, 2))
        else showProfile(found)
      } else {
        const found = await told(profiles.diff(compare, version))
        if (json === true) console.log(JSON.stringify(found, null, 2))
        else showDiff(found)
      }
    })
}

function showProfile({ dataset, version, rows, duplicates, columns, alerts }: TableProfile): void {
  const repeated = duplicates === null ? '' : `, ${count(duplicates, 'duplicate')}`
  console.log(
    `${dataset}, version ${version}: ${count(rows, 'row')}, ${count(columns.length, 'column')}${repeated}`,
  )
  show([
    ['column', 'type', 'missing', 'distinct', 'smallest', 'median', 'largest'],
    ...columns.map(column => [
      column.name,
      column.type.toLowerCase(),
      percent(rows === 0 ? null : (column.nulls + (column.numeric?.nan ?? 0)) / rows),
      String(column.distinct),
      brief(column.min),
      brief(medianOf(column)),
      brief(column.max),
    ]),
  ])
  showAlerts('Look at:', alerts)
}

function showDiff({ dataset, from, to, rows, columns, alertsAppeared, alertsGone }: ProfileDiff): void {
  console.log(`${dataset}, version ${from} to version ${to}: ${rows.from} to ${count(rows.to ?? 0, 'row')}`)
  show([
    ['column', 'change', 'psi', 'missing', 'distinct', 'mean'],
    ...columns.map(column => [
      column.name,
      changeOf(column),
      column.distance === null ? '' : column.distance.psi.toFixed(3),
      pair(percent(column.missing.from), percent(column.missing.to)),
      pair(brief(column.distinct.from), brief(column.distinct.to)),
      pair(brief(column.mean.from), brief(column.mean.to)),
    ]),
  ])
  showAlerts('New alerts:', alertsAppeared)
  showAlerts('Alerts that are gone:', alertsGone)
}

function changeOf({ change, distance }: ColumnDiff): string {
  if (change !== 'kept') return change
  return distance === null || distance.shift === 'none' ? '' : `${distance.shift} shift`
}

function medianOf({ numeric, temporal }: ColumnProfile): unknown {
  return (numeric ?? temporal)?.quantiles[3]
}

const MOST = 200

function show(lines: readonly (readonly string[])[]): void {
  const shown = lines.slice(0, MOST + 1)
  const widths = shown[0]!.map((_, i) => Math.max(...shown.map(line => line[i]!.length)))
  for (const line of shown)
    console.log(`  ${line.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')}`.trimEnd())
  const more = lines.length - shown.length
  if (more > 0) console.log(`  and ${count(more, 'more column')}: --json has them all`)
}

function showAlerts(title: string, alerts: readonly ProfileAlert[]): void {
  if (alerts.length === 0) return
  console.log(title)
  for (const { kind, column, value, other } of alerts.slice(0, MOST)) {
    const where = column === null ? '' : ` ${column}${other === undefined ? '' : ` and ${other}`}`
    console.log(`  ${kind.replaceAll('_', ' ')}:${where} (${brief(value)})`)
  }
  if (alerts.length > MOST)
    console.log(`  and ${count(alerts.length - MOST, 'more alert')}: --json has them all`)
}

function percent(share: number | null): string {
  return share === null ? '' : `${(100 * share).toFixed(1)} %`
}

function pair(from: string, to: string): string {
  return from === to ? to : `${from || '-'} > ${to || '-'}`
}

const LONGEST = 24

function brief(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') return String(Number(value.toPrecision(6)))
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text
}
