import { html, type Html } from '../../drift/report/html.js'
import { count, decimal, percent } from '../../drift/report/numbers.js'
import { section } from '../../drift/report/section.js'
import { type Change, COMPARED_BINS, type ColumnComparison, compareProfiles } from '../compare.js'
import { sharedBins } from '../histogram.js'
import { type ColumnProfile, type Profile, QUANTILES } from '../profile.js'
import { sharedValues } from '../shared-values.js'
import { pairChart, rangeOf, unitOf } from './charts.js'
import { document } from '../../drift/report/document.js'
import { STYLE } from '../../drift/report/style.js'
import { alertList, LARGE, MANY } from './page.js'
import { PROFILE_STYLE } from './style.js'
import { shown, shownText } from './words.js'

export interface ComparisonPageFacts {
  readonly dataset: string
  readonly from: { readonly version: number; readonly profile: Profile }
  readonly to: { readonly version: number; readonly profile: Profile }
}

/** Two profiles side by side as one HTML file: what has shifted most comes first. */
export function comparisonPage({ dataset, from, to }: ComparisonPageFacts): string {
  const found = compareProfiles(from.profile, to.profile)
  const title = `${dataset}: version ${from.version} and version ${to.version}`
  const columns = found.columns.toSorted((a, b) => rank(b) - rank(a))
  const ids = new Map(columns.map(({ name }, i) => [name, `c${i}`]))
  const [before, after] = [from, to].map(
    ({ profile }) => new Map(profile.columns.map(column => [column.name, column])),
  )
  const { appeared, gone } = found.alerts
  return document(
    title,
    [STYLE, PROFILE_STYLE],
    [
      html`<header>
        <p class="mute">Dataset ${dataset} · profiles compared</p>
        <h1>Version ${from.version} and version ${to.version}</h1>
        <p class="legend">
          <span><span class="key from"></span>version ${from.version}</span>
          <span><span class="key to"></span>version ${to.version}</span>
        </p>
        <dl class="figures">
          ${figure('rows', found.rows)} ${figure('duplicate rows', found.duplicates)}
          ${figure('columns', { from: from.profile.columns.length, to: to.profile.columns.length })}
          <div>
            <dt>shifted columns</dt>
            <dd>
              ${found.columns.filter(one => one.distance !== null && one.distance.shift !== 'none').length}
            </dd>
          </div>
        </dl>
      </header>`,
      section(
        'New alerts',
        `Of version ${to.version}, and not of version ${from.version}.`,
        alertList(appeared, ids),
      ),
      section('Alerts that are gone', '', alertList(gone, ids)),
      section(
        'Columns',
        'The largest shift first. A line opens.',
        html`<div class="head" aria-hidden="true">
            <span>column</span><span>shift (PSI)</span><span>missing</span><span>distinct</span
            ><span>distribution</span>
          </div>
          <div class="${columns.length > LARGE ? MANY : null}">
            ${columns.map((one, i) => columnPart(one, `c${i}`, before!.get(one.name), after!.get(one.name)))}
          </div>`,
      ),
    ],
  )
}

const CHANGED = 1e9

function rank({ change, distance }: ColumnComparison): number {
  return change === 'kept' ? (distance?.psi ?? -1) : CHANGED
}

function figure(name: string, { from, to }: Change<number>): Html {
  const text = (value: number | null): string => (value === null ? 'not counted' : count(value))
  return html`<div>
    <dt>${name}</dt>
    <dd>${from === to ? text(to) : `${text(from)} → ${text(to)}`}</dd>
  </div>`
}

function columnPart(
  one: ColumnComparison,
  id: string,
  from: ColumnProfile | undefined,
  to: ColumnProfile | undefined,
): Html {
  const { name, change, distance, missing, distinct } = one
  return html`<details class="column" id="${id}">
    <summary>
      <span><span class="name">${name}</span><br />${badge(one)}</span>
      <span>${distance === null ? html`<span class="mute">none</span>` : decimal(distance.psi)}</span>
      <span>${arrow(missing, share => percent(share))}</span>
      <span>${arrow(distinct, count)}</span>
      <span>${change === 'kept' && from && to ? distribution(from, to, one) : null}</span>
    </summary>
    <div class="inside">${sideBySide(one)} ${quantiles(one)} ${topValues(from, to)}</div>
  </details> `
}

function badge({ change, type, distance }: ColumnComparison): Html | null {
  if (change === 'retyped') return html`<span class="badge">${type.from} → ${type.to}</span>`
  if (change !== 'kept') return html`<span class="badge">${change}</span>`
  if (distance === null || distance.shift === 'none') return null
  return html`<span class="badge">${distance.shift} shift</span>`
}

function arrow<T>({ from, to }: Change<T>, text: (value: T) => string): Html {
  const one = (value: T | null): string => (value === null ? '–' : text(value))
  if (from === to) return html`${one(to)}`
  return html`<span class="mute">${one(from)} →</span> ${one(to)}`
}

function distribution(from: ColumnProfile, to: ColumnProfile, { distance }: ColumnComparison): Html | null {
  if (distance === null) return null
  const psi = `PSI ${decimal(distance.psi)}`
  if (distance.of === 'values') {
    const values = sharedValues(from, to)!
    return pairChart(
      values.from,
      values.to,
      `shares of ${values.values.length} values and the others, ${psi}`,
    )
  }
  const bins = sharedBins(from.histogram!, to.histogram!, COMPARED_BINS)
  return pairChart(bins.from, bins.to, `${unitOf(to.kind)} from ${rangeOf(bins, to.kind)}, ${psi}`)
}

function sideBySide({ type, mean, std, distance }: ColumnComparison): Html {
  const optional = (name: string, { from, to }: Change<number>): Html | null =>
    from === null && to === null ? null : line(name, shown(from), shown(to))
  const one = (name: string, value: string): Html => line(name, '', value)
  return table('figure', [
    line('type', type.from ?? 'none', type.to ?? 'none'),
    optional('mean', mean),
    optional('standard deviation', std),
    distance && one(`PSI of ${distance.of === 'histogram' ? 'bins' : distance.of}`, decimal(distance.psi)),
    distance && one('Jensen-Shannon distance', decimal(distance.jensenShannon)),
  ])
}

function quantiles({ quantiles: { from, to } }: ColumnComparison): Html | null {
  if (from === null && to === null) return null
  return table(
    'quantile',
    QUANTILES.map((share, i) => line(percent(share), shown(from?.[i]), shown(to?.[i]))),
  )
}

function topValues(from: ColumnProfile | undefined, to: ColumnProfile | undefined): Html | null {
  const key = JSON.stringify
  const rows = (column: ColumnProfile | undefined): Map<string, number> =>
    new Map(column?.top.map(({ value, count: n }) => [key(value), n]))
  const [before, after] = [rows(from), rows(to)]
  const values = [...(to?.top ?? []), ...(from?.top ?? []).filter(({ value }) => !after.has(key(value)))]
  if (values.length === 0) return null
  const told = (known: Map<string, number>, at: string): string => {
    const n = known.get(at)
    return n === undefined ? '–' : count(n)
  }
  return table(
    'most frequent',
    values.map(({ value }) => {
      const name = value === null ? '(missing)' : shownText(value).slice(0, 60)
      return line(name, told(before, key(value)), told(after, key(value)))
    }),
  )
}

function table(name: string, lines: readonly (Html | null)[]): Html {
  return html`<table>
    <thead>
      <tr>
        <th scope="col">${name}</th>
        <th scope="col" class="number">before</th>
        <th scope="col" class="number">after</th>
      </tr>
    </thead>
    <tbody>
      ${lines}
    </tbody>
  </table>`
}

function line(name: string, from: string, to: string): Html {
  return html`<tr>
    <td class="value">${name}</td>
    <td class="number">${from}</td>
    <td class="number">${to}</td>
  </tr>`
}
