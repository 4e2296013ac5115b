import { document } from '../../drift/report/document.js'
import { html, type Html } from '../../drift/report/html.js'
import { count, percent } from '../../drift/report/numbers.js'
import { section } from '../../drift/report/section.js'
import { STYLE } from '../../drift/report/style.js'
import { type Alert, alertsOf } from '../alerts.js'
import { type Correlations, correlationAt, missingOf, type Profile } from '../profile.js'
import { columnPart } from './column.js'
import { PROFILE_STYLE } from './style.js'
import { ALERT_NAMES, alertText } from './words.js'

export interface ProfilePageFacts {
  readonly dataset: string
  readonly version: number
  readonly profile: Profile
}

/** Alerts that are listed, and columns of the table of correlations. */
const MOST = { alerts: 200, correlated: 30 } as const

/** Columns beyond which there are many. */
export const LARGE = 200

/** Class of columns that are so many that only what is looked at is laid out. */
export const MANY = 'many'

/** A profile as one HTML file: no scripts, nothing to fetch, the same bytes for the same profile. */
export function profilePage({ dataset, version, profile }: ProfilePageFacts): string {
  const { columns, rows, correlations, exactQuantiles } = profile
  const alerts = alertsOf(profile)
  const byColumn = new Map<string | null, Alert[]>()
  for (const alert of alerts) {
    const own = byColumn.get(alert.column) ?? []
    own.push(alert)
    byColumn.set(alert.column, own)
  }
  const ids = new Map(columns.map(({ name }, i) => [name, `c${i}`]))
  const title = `Profile of ${dataset}, version ${version}`
  const large = columns.length <= LARGE
  return document(
    title,
    [STYLE, PROFILE_STYLE],
    [
      html`<header>
        <p class="mute">Dataset ${dataset} · version ${version}</p>
        <h1>${title}</h1>
        ${figures(profile)}
      </header>`,
      section(
        'Alerts',
        alerts.length === 0 ? 'Nothing is out of the ordinary.' : 'What to look at before the data is used.',
        alertList(alerts, ids),
      ),
      section(
        'Columns',
        `A line opens.${exactQuantiles ? '' : ' Quantiles are estimates.'}`,
        html`<div class="head" aria-hidden="true">
            <span>column</span><span>type</span><span>missing</span><span>distinct</span
            ><span>histogram</span>
          </div>
          <div class="${large ? null : MANY}">
            ${columns.map((column, i) => columnPart(column, `c${i}`, rows, byColumn.get(column.name) ?? [], large))}
          </div>`,
      ),
      section('Correlations', correlationNote(correlations), correlations && matrix(correlations)),
    ],
  )
}

function figures({ rows, columns, duplicates }: Profile): Html {
  const missing = columns.reduce((sum, column) => sum + missingOf(column), 0)
  const cells = rows * columns.length
  const shown: [string, string][] = [
    ['rows', count(rows)],
    ['columns', count(columns.length)],
    ['missing cells', cells === 0 ? 'none' : percent(missing / cells)],
    ['duplicate rows', duplicates === null ? 'not counted' : count(duplicates)],
  ]
  return html`<dl class="figures">
    ${shown.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`
}

/** @param ids of the parts that alerts lead to, by column */
export function alertList(alerts: readonly Alert[], ids: ReadonlyMap<string, string>): Html | null {
  if (alerts.length === 0) return null
  const items = alerts.slice(0, MOST.alerts).map(alert => {
    const id = alert.column === null ? undefined : ids.get(alert.column)
    const name = id === undefined ? alert.column : html`<a href="#${id}">${alert.column}</a>`
    return html`<li><span class="badge">${ALERT_NAMES[alert.kind]}</span> ${name} ${alertText(alert)}</li>`
  })
  const more = alerts.length - items.length
  return html`<ul class="alerts">
    ${items}
    ${more > 0 ? html`<li class="mute">and ${count(more)} more: they are marked at their columns</li>` : null}
  </ul>`
}

function correlationNote(correlations: Correlations | null): string {
  if (correlations === null) return ''
  const { columns, sampled, left } = correlations
  const cut = columns.length - Math.min(columns.length, MOST.correlated)
  return [
    "Pearson's r of numeric columns.",
    ...(sampled < 1 ? [`By a sample of ${percent(sampled)} of the rows.`] : []),
    ...(left > 0 ? [`${count(left)} more columns were left out.`] : []),
    ...(cut > 0 ? [`The first ${MOST.correlated} are shown; all are in the JSON.`] : []),
  ].join(' ')
}

function matrix(correlations: Correlations): Html {
  const columns = correlations.columns.slice(0, MOST.correlated)
  const line = (name: string, i: number): Html =>
    html`<tr>
      <th scope="row" title="${name}">${name}</th>
      ${columns.map((_, j) => cell(correlationAt(correlations, i, j)))}
    </tr>`
  return html`<div class="scroll">
    <table class="matrix">
      <thead>
        <tr>
          <td></td>
          ${columns.map(name => html`<th scope="col" title="${name}">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${columns.map(line)}
      </tbody>
    </table>
  </div>`
}

function cell(r: number | null): Html {
  if (r === null) return html`<td class="mute">–</td>`
  const share = `${Math.round(Math.abs(r) * 70)}%`
  return html`<td class="${r < 0 ? 'negative' : 'positive'}" style="--share:${share}">${r.toFixed(2)}</td>`
}
