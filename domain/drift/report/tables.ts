import type { ColumnDrift, TestResult } from '../columns.js'
import { STATISTICS } from '../statistics/registry.js'
import type { WindowReport } from '../window-report.js'
import { binBars, limitBar, signedBar } from './charts.js'
import { html, type Html, type HtmlValue } from './html.js'
import { count, decimal, percent, plain } from './numbers.js'

/** A table; columns whose heading begins with `#` hold numbers, the last cell of a short row spans the rest. */
export function table(headings: readonly string[], rows: readonly (readonly HtmlValue[])[]): Html {
  const kind = (index: number) => (headings[index]!.startsWith('#') ? 'number' : '')
  const cell = (value: HtmlValue, index: number, cells: number): Html => {
    const span = index === cells - 1 ? headings.length - index : 1
    return html`<td class="${span > 1 ? '' : kind(index)}" colspan="${span}">${value}</td>`
  }
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${headings.map((heading, i) => html`<th class="${kind(i)}">${heading.replace(/^#/, '')}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          row =>
            html`<tr>
              ${row.map((value, i) => cell(value, i, row.length))}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`
}

export function checksTable({ errors }: WindowReport): Html | null {
  if (errors === null) return null
  const names = { relativeBias: 'Relative bias', wape: 'WAPE' } as const
  return table(
    ['Metric', '#Observed', '#Allowed', '', 'Verdict'],
    errors.checks.map(({ metric, observed, threshold, breached }) => [
      names[metric],
      percent(observed, metric === 'relativeBias'),
      `${metric === 'relativeBias' ? '± ' : ''}${percent(threshold)}`,
      observed === null ? null : limitBar(observed, threshold),
      observed === null ? 'cannot be judged' : mark(breached, 'breached', 'within'),
    ]),
  )
}

/** Errors by the version that answered. */
export function versionsTable({ versions }: WindowReport): Html | null {
  if (versions.length === 0) return null
  return table(
    ['Version', '#Rows', '#Share', '#Labelled', '#MAE', '#RMSE', '#WAPE', '#Relative bias', '#R²'],
    versions.map(({ version, rows, share, labelled, metrics }) => [
      `version ${version}`,
      count(rows),
      percent(share),
      count(labelled),
      ...(metrics === null
        ? ['none', 'none', 'none', 'none', 'none']
        : [
            decimal(metrics.mae),
            decimal(metrics.rmse),
            percent(metrics.wape),
            percent(metrics.relativeBias, true),
            decimal(metrics.r2),
          ]),
    ]),
  )
}

export function quartilesTable({ quartiles }: WindowReport): Html | null {
  if (quartiles === null) return null
  const largest = Math.max(...quartiles.groups.map(({ relativeBias }) => Math.abs(relativeBias ?? 0)))
  return table(
    [quartiles.column, '#Rows', '#MAE', '#WAPE', '#Relative bias', ''],
    quartiles.groups.map(({ values, rows, mae, wape, relativeBias }) => [
      values === null ? 'missing' : `${plain(values.min)} to ${plain(values.max)}`,
      count(rows),
      decimal(mae),
      percent(wape),
      percent(relativeBias, true),
      relativeBias === null ? null : signedBar(relativeBias, largest),
    ]),
  )
}

/** Each column with its deciding test, its bins and the other tests. */
export function columnsTable(columns: readonly ColumnDrift[]): Html {
  return table(
    ['Column', 'Role', 'Verdict', '#PSI', 'Reference and window', 'Other tests', '#Rows'],
    columns.map(drift => {
      const named = [html`<b>${drift.column}</b>`, drift.role]
      if (drift.status !== 'assessed') {
        const words = drift.status === 'not_tested' ? 'not tested' : 'not assessed'
        return [...named, html`<span class="mute">${words}: ${drift.reason}</span>`]
      }
      const [first, ...others] = drift.tests
      return [
        ...named,
        mark(drift.drifted, 'drifted', 'steady'),
        twoLines(decimal(first!.score), limitOf(first!)),
        binBars(drift.bins),
        others.map(testLine),
        twoLines(count(drift.rows.current), `against ${count(drift.rows.reference)}`),
      ]
    }),
  )
}

function twoLines(first: string, second: string): Html {
  return html`<div>${first}</div>
    <div class="mute">${second}</div>`
}

/** A p-value of many rows finds differences that do not matter: the first test decides, these do not. */
function testLine(test: TestResult): Html {
  const { title } = STATISTICS[test.statistic]
  const score = test.score === null ? (test.reason ?? 'none') : decimal(test.score)
  const sign = test.drifted ? html`<span class="bad-tag">▲</span>` : html`<span class="good-tag">●</span>`
  return html`<div class="test" title="${title}">
    ${sign} ${SHORT[test.statistic] ?? title} ${score} <span class="mute">${limitOf(test)}</span>
  </div>`
}

const SHORT: Readonly<Record<string, string>> = {
  jensen_shannon: 'Jensen-Shannon',
  wasserstein: 'Wasserstein',
  kolmogorov_smirnov: 'KS, p',
  chi_squared: 'chi², p',
}

function limitOf({ threshold }: TestResult): string {
  return `(limit ${threshold})`
}

/** A verdict that is read without its colour too. */
export function mark(isBad: boolean, bad: string, good: string): Html {
  return isBad
    ? html`<span class="tag bad-tag">▲ ${bad}</span>`
    : html`<span class="tag good-tag">● ${good}</span>`
}
