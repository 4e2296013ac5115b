import { limitBar, signedBar } from '../../drift/report/charts.js'
import { html, type Html } from '../../drift/report/html.js'
import { count, moment, percent } from '../../drift/report/numbers.js'
import { mark, table } from '../../drift/report/tables.js'
import type { PagePlan, PageRetraining, PageRun, PageWindow } from './facts.js'

/** Errors window by window, with who answered. */
export function windowsTable(windows: readonly PageWindow[], opened: readonly string[]): Html {
  const biases = windows.map(({ metrics }) => Math.abs(metrics?.relativeBias ?? 0))
  const largest = Math.max(0, ...biases)
  return table(
    ['Window', 'Verdict', '#Labelled', '#RMSE', '#MAE', '#WAPE', '#Relative bias', '', 'Answered by', ''],
    windows.map(({ id, breached, reason, labelled, metrics, versions, report }) => {
      const named = html`<b>${id}</b
        >${opened.includes(id) ? html`<br /><span class="mute">opened it</span>` : null}`
      if (metrics === null || breached === null) {
        return [named, html`<span class="mute">not judged: ${reason}</span>`]
      }
      return [
        named,
        mark(breached, 'breached', 'within'),
        count(labelled),
        errorText(metrics.rmse),
        errorText(metrics.mae),
        percent(metrics.wape),
        percent(metrics.relativeBias, true),
        metrics.relativeBias === null ? null : signedBar(metrics.relativeBias, largest),
        versions.map(({ version, share }) =>
          versions.length === 1
            ? `version ${version}`
            : html`<div>version ${version}: ${percent(share)}</div>`,
        ),
        html`<a href="${report}">report</a>`,
      ]
    }),
  )
}

/** One retraining: its data, its gate, its rollout. */
export function retrainingParts(retraining: PageRetraining): Html {
  const { number, trigger, dataUntil, version, set, training, rollout } = retraining
  const facts: [string, string | Html][] = [
    ['Asked for', trigger === 'automatic' ? 'by the incident itself' : 'by a person'],
    ['Data until', `${moment(dataUntil)} UTC`],
    [
      'Data',
      set === null
        ? 'not built yet'
        : html`<a href="/v1/datasets/${set.name}/versions/${set.version}"
              >${set.name} version ${set.version}</a
            >: ${count(set.rows)} rows, ${count(set.added)} of them labelled predictions`,
    ],
    [training?.kind === 'pipeline' ? 'Pipeline run' : 'Training', runLine(training)],
    ['Version', version === null ? 'none' : String(version)],
    ['Rollout', runLine(rollout)],
  ]
  return html`<h3>Retraining ${number}</h3>
    ${table(['', ''], facts)} ${gateTable(retraining)}`
}

function gateTable({ gate }: PageRetraining): Html | null {
  if (gate === null) return null
  return table(
    ['Gate: RMSE on the held-out rows', '#Observed', '#Allowed', '', 'Verdict'],
    gate.checks.map(({ name, observed, limit, passed }) => [
      `against the ${name}`,
      errorText(observed),
      errorText(limit),
      limitBar(observed, limit),
      mark(!passed, 'refused', 'passed'),
    ]),
  )
}

function runLine(run: PageRun | null): string | Html {
  if (run === null) return 'not begun'
  const { href, id, status, outcome } = run
  return html`<a href="${href}"><code>${id}</code></a> ${status}${outcome === null ? '' : `: ${outcome}`}`
}

/** Weights plan by plan; what the incident has trained is told from what was there. */
export function trafficTable(plans: readonly PagePlan[], retrained: readonly number[]): Html {
  const kind = (version: number): string => (retrained.includes(version) ? 'retrained' : 'before')
  const legend = html`<p class="mute">
    <span class="key before"></span> versions before &nbsp; <span class="key retrained"></span> retrained
  </p>`
  const rows = plans.map(({ revision, at, arms, reason }) => {
    const bar = arms
      .filter(({ weight }) => weight > 0)
      .map(({ version, weight }) => html`<span class="${kind(version)}" style="width: ${weight}%"></span>`)
    const named = arms.map(
      ({ version, role, weight, sample }) =>
        html`<span>version ${version} ${role === 'shadow' ? `mirrors ${sample} %` : `${weight} %`}</span>`,
    )
    return [
      String(revision),
      second(at),
      html`<div class="weights">${bar}</div>`,
      html`<div class="tags">${named}</div>`,
      reason,
    ]
  })
  return html`${legend}${table(['#Plan', 'Since (UTC)', 'Weights', '', 'Why'], rows)}`
}

/** `2012-01-31 13:00:07`, in UTC: what happens to an incident may happen within a minute. */
export function second(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace('T', ' ')
}

/** Errors are in the unit of the target: four digits tell them apart. */
function errorText(value: number): string {
  return Math.abs(value) >= 1000 ? count(Math.round(value)) : value.toPrecision(4)
}
