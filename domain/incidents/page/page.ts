import { document } from '../../drift/report/document.js'
import { html, type Html } from '../../drift/report/html.js'
import { count, moment } from '../../drift/report/numbers.js'
import { section } from '../../drift/report/section.js'
import { STYLE } from '../../drift/report/style.js'
import { isIncidentOpen, type IncidentStatus } from '../incident-status.js'
import type { IncidentPageFacts, PageEvent } from './facts.js'
import { INCIDENT_STYLE } from './style.js'
import { retrainingParts, second, trafficTable, windowsTable } from './tables.js'

/** The way of an incident that ends by itself. */
const WAY = [
  'open',
  'waiting_for_data',
  'retraining',
  'rolling_out',
  'observing',
  'closed',
] as const satisfies readonly IncidentStatus[]

/**
 * The evidence of an incident as one HTML file: no scripts, nothing to fetch, the same bytes for the same
 * facts. Every value from outside is escaped.
 */
export function incidentPage(facts: IncidentPageFacts): string {
  const { deployment, model, state, windows, retrainings, plans, events } = facts
  const title = `Incident of ${deployment}: ${words(state.status)}`
  const opened = state.openedBy.map(({ id }) => id)
  const retrained = retrainings.flatMap(({ version }) => (version === null ? [] : [version]))
  return document(
    title,
    [STYLE, INCIDENT_STYLE],
    html` <header>
        <p class="mute">Incident <code>${facts.id}</code> · deployment ${deployment} · model ${model}</p>
        <h1>Errors of ${deployment} went up in ${opened.join(' and ')}</h1>
        ${verdict(facts)} ${way(state.status)}
      </header>
      ${section(
        'Windows',
        'Errors on labelled predictions, by calendar window of event time; they alone decide. The report of each shows what else has changed.',
        windows.length === 0 ? null : windowsTable(windows, opened),
      )}
      ${section('Retraining', '', ...retrainings.map(retrainingParts))}
      ${section(
        'Traffic',
        'The plans that decided who answered, since the incident was opened.',
        plans.length === 0 ? null : trafficTable(plans, retrained),
      )}
      ${section('What happened', '', story(events))}`,
  )
}

function verdict({ state, message, openedAt, closedAt, workflow }: IncidentPageFacts): Html {
  const { status, acknowledged, settledUntil } = state
  const kind = status === 'closed' ? 'good' : status === 'escalated' ? 'bad' : 'open'
  const lines = [
    `Opened ${second(openedAt)} UTC${closedAt === null ? '' : `, ended ${second(closedAt)} UTC`}`,
    ...(acknowledged ? [`Acknowledged by ${acknowledged.by}: ${acknowledged.note}`] : []),
    ...(settledUntil === null
      ? []
      : [`Windows that begin before ${moment(settledUntil)} UTC open no other incident`]),
    ...(status === 'escalated' ? ['Waiting for a person: retrain, close or suppress'] : []),
  ]
  return html`<div class="verdict ${kind}">
    <strong>${sentence(words(status))}</strong>
    <div>${sentence(message)}.</div>
    ${lines.map(line => html`<div class="mute">${line}.</div>`)}
    ${
      workflow === null
        ? null
        : html`<div>
            <a href="${workflow}">${isIncidentOpen(status) ? 'Follow it' : 'Its workflow'} in Temporal Web</a>
          </div>`
    }
  </div>`
}

/** Where it is on its way; an incident that left the way shows that as its last place. */
function way(status: IncidentStatus): Html {
  const onWay = (WAY as readonly IncidentStatus[]).indexOf(status)
  const places: readonly IncidentStatus[] = onWay === -1 ? [...WAY.slice(0, -1), status] : WAY
  const now = places.indexOf(status)
  const kind = (at: number) => (at === now ? 'now' : onWay !== -1 && at < now ? 'past' : '')
  return html`<ol class="steps">
    ${places.map((place, at) => html`<li class="${kind(at)}">${words(place)}</li>`)}
  </ol>`
}

function story(events: readonly PageEvent[]): Html {
  const kind = ({ status }: PageEvent) => (status === 'escalated' ? 'bad' : status === 'closed' ? 'good' : '')
  return html`<ol class="story">
    ${events.map(
      event =>
        html`<li class="${kind(event)}">
          <div>${sentence(event.message)}</div>
          <div class="mute">
            ${second(event.at)} UTC · ${words(event.status)} · event ${count(event.number)}
          </div>
          ${evidence(event)}
        </li> `,
    )}
  </ol>`
}

function evidence({ evidence: known }: PageEvent): Html | null {
  if (Object.keys(known).length === 0) return null
  return html`<details>
    <summary>Evidence</summary>
    <pre>${JSON.stringify(known, null, 2)}</pre>
  </details>`
}

function words(status: string): string {
  return status.replaceAll('_', ' ')
}

function sentence(text: string): string {
  return text === '' ? text : text[0]!.toUpperCase() + text.slice(1)
}
