import { html, type Html } from '../../drift/report/html.js'
import { count, percent } from '../../drift/report/numbers.js'
import type { Alert } from '../alerts.js'
import { type ColumnProfile, missingOf, type ProfileValue, QUANTILES } from '../profile.js'
import { chart, sparkline } from './charts.js'
import { ALERT_NAMES, shown, shownText } from './words.js'

/** A column as a line that opens; with `large`, its histogram is there once more. */
export function columnPart(
  column: ColumnProfile,
  id: string,
  rows: number,
  alerts: readonly Alert[],
  large: boolean,
): Html {
  const { name, type, kind, distinct, histogram } = column
  const missing = missingOf(column)
  return html`<details class="column" id="${id}">
    <summary>
      <span><span class="name">${name}</span><br />${badges(alerts)}</span>
      <span class="mute">${type.toLowerCase()}</span>
      <span>${missing === 0 ? 'none missing' : `${percent(missing / rows)} missing`}</span>
      <span>${count(distinct)} distinct</span>
      <span>${histogram === null ? topBar(column) : sparkline(histogram, kind)}</span>
    </summary>
    <div class="inside">
      ${large && histogram !== null ? chart(histogram, kind) : null} ${figures(column)} ${quantiles(column)}
      ${topValues(column, rows)}
    </div>
  </details> `
}

function badges(alerts: readonly Alert[]): Html[] {
  const kinds = [...new Set(alerts.map(({ kind }) => kind))]
  return kinds.map(kind => html`<span class="badge">${ALERT_NAMES[kind]}</span>`)
}

/** Of what has no histogram: the most frequent value. */
function topBar({ top }: ColumnProfile): Html | null {
  const first = top.find(({ value }) => value !== null)
  return first === undefined
    ? null
    : html`<span class="mute">mostly ${shownText(first.value).slice(0, 24)}</span>`
}

function figures({ count: values, nulls, min, max, numeric, text, imbalance }: ColumnProfile): Html {
  const rows: [string, ProfileValue | undefined][] = [
    ['values', values],
    ['null', nulls],
    ['smallest', min],
    ['largest', max],
  ]
  if (numeric !== null) {
    const { mean, std, skewness, kurtosis, zeros, negative, nan, infinite } = numeric
    rows.push(['mean', mean], ['standard deviation', std], ['skewness', skewness], ['kurtosis', kurtosis])
    rows.push(['zeros', zeros], ['negative', negative], ['NaN', nan], ['infinite', infinite])
  }
  if (text !== null) {
    rows.push(['shortest', text.minLength], ['longest', text.maxLength], ['mean length', text.meanLength])
    rows.push(['empty', text.empty])
  }
  if (imbalance !== null) rows.push(['imbalance', imbalance])
  return table(
    'figure',
    ['figure', 'value'],
    rows.map(([name, value]) => [name, cell(value)]),
  )
}

function quantiles({ numeric, temporal }: ColumnProfile): Html | null {
  const values = numeric?.quantiles ?? temporal?.quantiles
  if (values === undefined) return null
  return table(
    'quantile',
    ['quantile', 'value'],
    QUANTILES.map((share, i) => [percent(share), shown(values[i])]),
  )
}

function topValues({ top }: ColumnProfile, rows: number): Html | null {
  if (top.length === 0) return null
  const lines = top.map(({ value, count: n }) => [
    value === null ? '(missing)' : shownText(value).slice(0, 80),
    count(n),
    percent(rows === 0 ? 0 : n / rows),
  ])
  return table('value', ['most frequent', 'rows', 'share'], lines)
}

function table(kind: string, heads: readonly string[], lines: readonly (readonly string[])[]): Html {
  return html`<table>
    <thead>
      <tr>
        ${heads.map((head, i) => html`<th scope="col" ${i === 0 ? null : numberClass}>${head}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${lines.map(
        ([first, ...others]) =>
          html`<tr>
            <td class="${kind}">${first}</td>
            ${others.map(one => html`<td class="number">${one}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`
}

const numberClass = html` class="number"`

function cell(value: ProfileValue | undefined): string {
  const text = typeof value === 'number' && Number.isInteger(value) ? count(value) : shown(value)
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}
