import type { Page } from '../../../contracts/rest/common.js'
import type { Incident, IncidentSummary } from '../../../contracts/rest/incidents.js'
import type { DriftWindow, SetMonitoring, WindowSummary } from '../../../contracts/rest/monitoring.js'
import type { SetRetraining } from '../../../contracts/rest/retraining.js'
import type { Replay } from '../replay.js'
import { chapter, expectThat, kill, say, type Story, table, until } from '../story.js'

export const MONITORING: SetMonitoring = {
  window: { every: 'month' },
  minLabelled: 500,
  minLabelledShare: 0.95,
  breach: { maxRelativeBias: 0.2, maxWape: 0.4 },
  breachesInARow: 2,
  reference: { kind: 'sameSeason' },
  columns: [
    ...['season', 'yr', 'mnth', 'hr', 'holiday', 'weekday', 'workingday'].map(name => ({
      name,
      role: 'time' as const,
    })),
    { name: 'weathersit', type: 'categorical' },
  ],
  quartilesOf: 'temp',
}

export const RETRAINING: SetRetraining = {
  dataset: 'bike',
  timeColumn: 'dteday',
  pipeline: {
    name: 'retrain',
    parameters: {
      dataset: '${{ retraining.dataset }}',
      from: '${{ retraining.holdout.from }}',
      until: '${{ retraining.holdout.until }}',
    },
  },
  holdout: 'month',
  strategy: {
    kind: 'canary',
    stops: [
      { percent: 10, minRows: 40 },
      { percent: 50, minRows: 100 },
    ],
    mirrorPercent: 100,
  },
  incident: { minLabelledRows: 2_800 },
}

/** 2012 is another year than 2011: two breached months open an incident, with the evidence. */
export async function watch(story: Story, replay: Replay): Promise<Incident> {
  const { rest } = story
  const path = `/v1/deployments/${replay.deployment}`
  chapter('8. Watch: 2012 is not like 2011')
  await rest.put(`${path}/monitoring`, MONITORING)
  await rest.put(`${path}/retraining`, RETRAINING)
  say('Months are windows; two in a row with |bias| > 0.20 or WAPE > 0.40 open an incident.')
  await replay.send(Infinity, '2012-02-01')
  // In the middle of the traffic: rows that get no answer are sent again under their ids.
  await kill(story, 'serving-1')
  await replay.send(Infinity, '2012-03-02')
  await replay.settle()
  // A telling that goes on has seen later months already.
  const windows = (await assessed(story, replay, '2012-02')).filter(({ id }) => id <= '2012-02')
  showWindows(windows)
  const breached = windows.filter(window => window.breached).map(({ id }) => id)
  expectThat(
    breached.join() === '2012-01,2012-02',
    `January and February 2012 are breached, and no month of 2011 (${breached.join()})`,
  )
  await showEvidence(story, path)

  const incidents = await until(
    () => rest.get<Page<IncidentSummary>>(`/v1/incidents?deployment=${replay.deployment}`),
    ({ items }) => items.length > 0,
    'two breached windows open an incident',
  )
  expectThat(incidents.items.length === 1, 'there is one incident')
  const [{ id }] = incidents.items as [IncidentSummary]
  const incident = await until(
    () => rest.get<Incident>(`/v1/incidents/${id}`),
    ({ status }) => status !== 'open',
    'the incident looks for data',
  )
  say(`Incident ${incident.id}: ${incident.message}`)
  say(`  its page: ${rest.base}${incident.links.page}`)
  return incident
}

/** The windows of the deployment in their order, once all until a month are assessed, in whatever order. */
export async function assessed(
  { rest }: Pick<Story, 'rest'>,
  replay: Replay,
  month: string,
): Promise<WindowSummary[]> {
  const { items } = await until(
    () => rest.get<Page<WindowSummary>>(`/v1/deployments/${replay.deployment}/windows?limit=50`),
    ({ items }) =>
      items.filter(({ id, breached }) => id <= month && breached !== null).length === monthsUntil(month),
    `the windows until ${month} are assessed`,
  )
  return items.toReversed()
}

/** Months of the replay, which begins in November 2011. */
function monthsUntil(month: string): number {
  const [year, number] = month.split('-').map(Number) as [number, number]
  return (year - 2011) * 12 + number - 10
}

export function showWindows(windows: readonly WindowSummary[]): void {
  table([
    ['month', 'rows   labelled  WAPE   bias    by version'],
    ...windows.map(({ id, rows, labelled, metrics, breached, versions }): [string, string] => [
      id,
      `${String(rows).padEnd(6)} ${String(labelled).padEnd(9)} ${cell(metrics?.wape)} ${cell(metrics?.relativeBias)}  ` +
        `${versions.map(({ version, share }) => `${version} (${(share * 100).toFixed(0)} %)`).join(', ')}` +
        `${breached ? '   breached' : ''}`,
    ]),
  ])
}

async function showEvidence({ rest }: Story, path: string): Promise<void> {
  const january = await rest.get<DriftWindow>(`${path}/windows/2012-01`)
  say(`January 2012 against ${january.reference}:`)
  const psi = new Map<string, number>()
  for (const { column, role, status, reason, tests } of january.columns) {
    const score = (tests as { test: string; score: number }[] | undefined)?.[0]?.score
    if (score !== undefined) psi.set(role === 'feature' ? column : role, score)
    if (status !== 'not_tested')
      say(`  ${role.padEnd(10)} ${column.padEnd(11)} ${score?.toFixed(2) ?? reason}`)
  }
  const bounds: [string, (value: number) => boolean, string][] = [
    ['label', value => value > 0.5, 'above 0.5'],
    ['prediction', value => value < 0.1, 'below 0.1'],
    ['temp', value => value > 0.25, 'above 0.25'],
    ['hum', value => value < 0.25, 'below 0.25'],
    ['windspeed', value => value < 0.25, 'below 0.25'],
  ]
  for (const [name, holds, words] of bounds) {
    expectThat(holds(psi.get(name) ?? NaN), `PSI of ${name} is ${words} (${psi.get(name)})`)
  }
  say('It is warmer, but the bias is there at every temperature, so the weather is not to blame:')
  for (const { values, rows, relativeBias } of january.quartiles?.groups ?? []) {
    const range = values ? `${values.min.toFixed(2)} to ${values.max.toFixed(2)}` : 'unknown'
    say(`  temp ${range}: ${rows} rows, bias ${cell(relativeBias)}`)
  }
  say(`Report: ${rest.base}${january.links.report}`)
}

function cell(value: number | null | undefined): string {
  return (value == null ? '-' : value.toFixed(2)).padStart(6)
}
