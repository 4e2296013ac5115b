import { document } from './document.js'
import type { WindowReport } from '../window-report.js'
import { html, type Html } from './html.js'
import { count, moment, percent } from './numbers.js'
import { section } from './section.js'
import { STYLE } from './style.js'
import { checksTable, columnsTable, quartilesTable, table, versionsTable } from './tables.js'

const INPUTS_NOTE = 'Evidence for finding the cause: it decides nothing. PSI gives the verdict on a column.'

/**
 * A window's report as one HTML file: no scripts, nothing to fetch, the same bytes for the same report.
 * Every value from outside is escaped.
 */
export function reportPage(report: WindowReport): string {
  const { deployment, window, model } = report
  const title = `${deployment}, window ${window.id}`
  const [inputs, outputs] = [
    ['feature', 'time'].flatMap(kind => report.columns.filter(({ role }) => role === kind)),
    report.columns.filter(({ role }) => role === 'label' || role === 'prediction'),
  ]
  return document(
    title,
    [STYLE],
    html` <header>
        <p class="mute">Drift report · deployment ${deployment} · model ${model}</p>
        <h1>Window ${window.id}</h1>
        ${verdict(report)}
      </header>
      ${section('Errors', errorsNote(report), checksTable(report), versionsTable(report))}
      ${section(
        report.quartiles === null ? '' : `Errors by ${report.quartiles.column}`,
        'Quartiles of the window: an error on all of them is not explained by this column.',
        quartilesTable(report),
      )}
      ${section('Label and prediction', referenceLine(report), columnsTable(outputs), legend())}
      ${section('Inputs', INPUTS_NOTE, columnsTable(inputs))}
      ${section('What was looked at', '', factsTable(report), gapsTable(report))}`,
  )
}

function errorsNote({ errors }: WindowReport): string {
  return errors === null
    ? 'Of the labelled rows; the window is not judged by them.'
    : 'They alone decide about a breach.'
}

function verdict({ breached, state, reason, errors, gaps }: WindowReport): Html {
  const [kind, words] =
    breached === null
      ? ['open', state === 'assessable' ? 'Not judged' : `Not assessed: ${state.replaceAll('_', ' ')}`]
      : breached
        ? ['bad', 'Breached']
        : ['good', 'Within its bounds']
  const lines = errors === null ? [reason] : errors.checks.map(({ message }) => message)
  const dropped = gaps.reduce((sum, gap) => sum + gap.dropped, 0)
  if (dropped > 0)
    lines.push(`${count(dropped)} predictions were dropped and not logged: they are in no number here`)
  return html`<div class="verdict ${kind}">
    <strong>${words}</strong>${lines.map(line => html`<div>${line}.</div>`)}
  </div>`
}

function referenceLine({ reference }: WindowReport): string {
  if (reference.status === 'not_assessed') return `Reference: none, since ${reference.text}.`
  const { text, rows, ranges } = reference
  return `Reference: ${text}, ${count(rows)} rows (${ranges.map(rangeText).join(', ')}).`
}

function rangeText({ start, end }: { start: number; end: number }): string {
  return `${moment(start)} to ${moment(end)}`
}

function legend(): Html {
  return html`<p class="mute">
    <svg width="10" height="10"><rect class="reference" width="10" height="10" /></svg> reference &nbsp;
    <svg width="10" height="10"><rect class="window" width="10" height="10" /></svg> window; share of the rows
    in each bin
  </p>`
}

function factsTable(report: WindowReport): Html {
  const { window, rows, labelled, policy, watermark, reason } = report
  return table(
    ['', ''],
    [
      ['Event time', `${rangeText(window)}, UTC; the end is not in it`],
      ['Predictions known until', watermark === null ? 'none' : moment(watermark)],
      ['Rows', count(rows)],
      ['Labelled', `${count(labelled)}${rows > 0 ? ` (${percent(labelled / rows)})` : ''}`],
      ['State', `${report.state.replaceAll('_', ' ')}: ${reason}`],
      ['Needed', `${count(policy.minLabelled)} labelled rows, ${percent(policy.minLabelledShare)} of all`],
      ['Alarm', `${policy.breachesInARow} breached windows in a row`],
    ],
  )
}

function gapsTable({ gaps }: WindowReport): Html | null {
  if (gaps.length === 0) return null
  return html`<h3>Gaps in the prediction log</h3>
    ${table(
      ['From', 'To', '#Dropped'],
      gaps.map(({ from, to, dropped }) => [moment(from), moment(to), count(dropped)]),
    )}`
}
