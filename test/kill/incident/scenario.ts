import { setTimeout as wait } from 'node:timers/promises'
import type { Page } from '../../../contracts/rest/common.js'
import type { Incident, IncidentSummary } from '../../../contracts/rest/incidents.js'
import type { SetMonitoring } from '../../../contracts/rest/monitoring.js'
import type { Operation } from '../../../contracts/rest/operations.js'
import type { SetRetraining } from '../../../contracts/rest/retraining.js'
import type { Training } from '../../../contracts/rest/trainings.js'
import { DAY_MS } from '../../../domain/drift/windows.js'
import { bikeHours } from '../../support/bike-hours.js'
import { all } from '../all.js'
import type { PatientClient } from '../client.js'
import type { IncidentPoint } from '../points.js'
import { endOf, hasTraffic, startRollout } from '../rollout/scenario.js'
import type { Traffic } from '../rollout/traffic.js'
import { commitDataset, expectEnd, templateOf, trainingOf } from '../training/scenario.js'

/** Called when the chain is about to come to a point; resolves when it was there. */
export type AtPoint = (point: IncidentPoint) => Promise<void>

const ROUNDS = 60
const FOLLOW_MS = 120_000

/** Beginning of a week of the traffic, from 0; the first is a Monday in May 2012. */
const week = (number: number): number => Date.UTC(2012, 4, 7) + number * 7 * DAY_MS
const FIRST_HOUR_MS = 3_600_000

/** All but the one that the last hour begins. */
export const WINDOWS = 6

/** In this week two versions answer, as chance will have it: it has too few rows to be judged. */
const CANARY_WEEK = 3

/** Six weeks, the one of the canary without its end, and the hour that ends the last one. */
export const HOURS = bikeHours().filter(
  ({ eventTime }) =>
    eventTime >= week(0) &&
    eventTime < week(WINDOWS) + FIRST_HOUR_MS &&
    !(eventTime >= week(CANARY_WEEK) + 5 * DAY_MS && eventTime < week(CANARY_WEEK + 1)),
)

/** A window is assessed once, when all of its rows have labels. */
const MONITORING: SetMonitoring = {
  window: { every: 'week' },
  minLabelled: 150,
  minLabelledShare: 1,
  breach: { maxRelativeBias: 0.15, maxWape: 0.4 },
  breachesInARow: 2,
  reference: { kind: 'training' },
}

/** The third week is what the incident waits for. Margins are wide: no chance decides about the canary. */
function retrainingOf(name: string): SetRetraining {
  return {
    dataset: name,
    timeColumn: 'dteday',
    training: { ...templateOf(ROUNDS), gate: { maxRmseOfChampion: 0.95, maxRmseOfBaseline: 1 } },
    holdout: 'week',
    strategy: {
      kind: 'canary',
      stops: [{ percent: 50, minRows: 10 }],
      mirrorPercent: 0,
      gates: { error: { minUnits: 8, tunedAt: 100, maxIncrease: 1 } },
    },
    incident: { minLabelledRows: 450, healthyToClose: 2 },
  }
}

/**
 * A model that has seen 2011 alone answers in 2012: two breached weeks open an incident, which waits for a
 * third, retrains, rolls out, observes two weeks and closes. All of it by itself; a client only asks for
 * predictions and sends labels. Ends when the run of the incident has, and throws when it did not end well.
 */
export async function runIncident(
  client: PatientClient,
  traffic: Traffic,
  name: string,
  csv: string,
  at: AtPoint,
): Promise<void> {
  await serveFirst(client, name, csv)

  await all([traffic.replay(week(2) + FIRST_HOUR_MS), at('opened')])
  const { id } = await becomes(client, name, ({ status }) => status === 'waiting_for_data')
  await at('waiting')
  await all([
    retrain(client, traffic, name),
    ...(['set', 'accepted', 'registered', 'moved'] as const).map(at),
  ])
  await all([traffic.replay(Infinity), at('observed'), at('closed')])
  const run = await client.follow<Operation>(`/v1/operations/${id}`)
  const { status } = await client.get<Incident>(`/v1/incidents/${id}`)
  if (run.status !== 'succeeded' || status !== 'closed') {
    throw new Error(`Incident ${id} is ${status}, its run ${run.status}: ${run.error?.message ?? 'no error'}`)
  }
}

/** Its data, its model and its deployment, all with one name, watched and retrained by policy. */
async function serveFirst(client: PatientClient, name: string, csv: string): Promise<void> {
  await commitDataset(client, name, csv, () => Promise.resolve())
  const body = trainingOf(name, name, ROUNDS)
  const { id } = await client.post<Training>('/v1/trainings', body, `${name}-train`)
  expectEnd(await client.follow<Training>(`/v1/trainings/${id}`))
  await client.post('/v1/deployments', { name, model: name })
  await endOf(client, await startRollout(client, name, 'first', { version: 1 }), 'promoted')
  await client.put(`/v1/deployments/${name}/monitoring`, MONITORING)
  await client.put(`/v1/deployments/${name}/retraining`, retrainingOf(name))
}

/** The week that was missing, and the rows that the canary needs. */
async function retrain(client: PatientClient, traffic: Traffic, name: string): Promise<void> {
  await traffic.replay(week(CANARY_WEEK) + FIRST_HOUR_MS)
  const { retrainings } = await becomes(client, name, incident => incident.retrainings[0]?.rollout != null)
  const rollout = retrainings[0]!.rollout!
  await hasTraffic(client, rollout.id)
  await traffic.replay(week(CANARY_WEEK + 1))
  await endOf(client, rollout, 'promoted')
  await becomes(client, name, ({ status }) => status === 'observing')
}

/** The incident of a deployment, once it is so far. */
async function becomes(
  client: PatientClient,
  deployment: string,
  isSoFar: (incident: Incident) => boolean,
): Promise<Incident> {
  for (const end = Date.now() + FOLLOW_MS; ; await wait(100)) {
    const { items } = await client.get<Page<IncidentSummary>>(`/v1/incidents?deployment=${deployment}`)
    const incident = items[0] && (await client.get<Incident>(`/v1/incidents/${items[0].id}`))
    if (incident !== undefined && isSoFar(incident)) return incident
    if (incident?.status === 'escalated' || Date.now() > end) {
      const is = incident === undefined ? 'was not opened' : `is ${incident.status}: ${incident.message}`
      throw new Error(`The incident of ${deployment} ${is}`)
    }
  }
}
