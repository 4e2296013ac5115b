import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { incidentActivities } from '../../activities/incidents.js'
import type { LookAtIncidentInput } from '../../contracts/temporal/incidents.js'
import type { RunFailure } from '../../contracts/temporal/messages.js'
import type { PredictionRecord } from '../../domain/serving/prediction-record.js'
import { type RunStatus, writeSequence } from '../../domain/runs/run-status.js'
import { uuidv7 } from '../../stores/ids.js'
import { LocalObjectStore } from '../../stores/objects/local-object-store.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import { DriftStore } from '../../stores/postgres/drift-store.js'
import type { Deployment } from '../../stores/postgres/entities/deployment.js'
import { IncidentStore, runOfIncident } from '../../stores/postgres/incident-store.js'
import { LedgerStore } from '../../stores/postgres/ledger-store.js'
import { PredictionStore } from '../../stores/postgres/prediction-store.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import { months } from '../domain/drift/months.js'
import { HOUR, predictionRecord, START } from '../stores/segments/records.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { logPredictions } from '../support/prediction-log.js'
import { MONTHLY, recordWindow } from '../support/windows.js'

const PROJECT = 'default'

describe('a look at an incident', () => {
  let database: TestDatabase
  let directory: string
  let ports: Parameters<typeof incidentActivities>[0]
  let deployment: Deployment
  let incidentId: string
  let made = 0
  beforeAll(async () => {
    database = await testDatabase()
    directory = await mkdtemp(join(tmpdir(), 'mlforge-incidents-'))
    const { dataSource } = database
    ports = {
      runs: new RunStore(dataSource),
      ledger: new LedgerStore(dataSource),
      incidents: new IncidentStore(dataSource),
      drift: new DriftStore(dataSource),
      deployments: new DeploymentStore(dataSource),
      predictions: new PredictionStore(dataSource),
      objects: new LocalObjectStore(join(directory, 'objects')),
      scratch: join(directory, 'scratch'),
      wakes: { publish: () => undefined, subscribe: () => () => undefined, close: () => undefined },
    }
  })
  afterAll(async () => {
    await database.drop()
    await rm(directory, { recursive: true, force: true })
  })
  beforeEach(async () => {
    incidentId = uuidv7()
    const name = `bike-${++made}`
    await ports.deployments.create(PROJECT, name, 'bike-demand', 'key:test')
    deployment = await ports.deployments.get(PROJECT, name)
  })

  const look = async (more: Partial<LookAtIncidentInput> = {}) =>
    incidentActivities(ports).lookAtIncident({
      project: PROJECT,
      runId: incidentId,
      name: deployment.name,
      attempt: 1,
      generation: 1,
      limits: { heartbeatTimeoutSeconds: 10 },
      from: 0,
      following: null,
      retraining: 1,
      version: 2,
      seen: null,
      ...more,
    })

  /** The incident's own run, as it ended. */
  async function ended(
    kind: 'training' | 'rollout',
    status: RunStatus,
    { error, result, codes = [] }: { error?: RunFailure; result?: object; codes?: string[] } = {},
  ): Promise<string> {
    const { run } = await ports.runs.accept({
      id: runOfIncident(incidentId, kind, 1),
      project: PROJECT,
      kind,
      name: deployment.name,
      request: {},
      principal: `incident:${incidentId}`,
      trigger: 'incident',
      retryPolicy: { codes, maxAttempts: 3, delaySeconds: 60 },
    })
    await ports.runs.update(run.id, writeSequence(1, 1), { status: 'running' })
    if (status !== 'running') {
      const change = { status, ...(error ? { error } : {}), ...(result ? { result } : {}) }
      await ports.runs.update(run.id, writeSequence(1, 'closing'), change)
    }
    return run.id
  }

  it('sees windows from the first breached on, and says nothing where nothing is new', async () => {
    await ports.drift.setPolicy(deployment.id, { ...MONTHLY, breachesInARow: 3 })
    const [december, january] = months('2011-12', ['healthy', 'breached'])
    for (const window of [december!, january!]) await recordWindow(database.dataSource, deployment, window)
    const first = await look({ from: january!.window.start })
    expect(first.look).toEqual({
      policy: expect.objectContaining({ breachesInARow: 3, requiredRows: 2800 }),
      windows: [january],
    })
    expect(await look({ from: january!.window.start, seen: first.hash })).toEqual({ hash: first.hash })
    await recordWindow(database.dataSource, deployment, months('2012-02', ['healthy'])[0]!)
    const second = await look({ from: january!.window.start, seen: first.hash })
    expect(second.look!.windows.map(({ window }) => window.id)).toEqual(['2012-01', '2012-02'])
  })

  it.each([
    ['running', {}, { status: 'running' }],
    ['succeeded', { result: { version: 7 } }, { status: 'registered', version: 7 }],
    ['refused', { error: { code: 'gate_refused', message: 'no' } }, { status: 'gate_refused' }],
    ['refused', { error: { code: 'split_invalid', message: 'no' } }, { status: 'failed' }],
    ['failed', { error: { code: 'trainer_failed', message: 'no' } }, { status: 'failed' }],
    // It is started again by itself.
    ['failed', { error: { code: 'lost', message: '' }, codes: ['lost'] }, { status: 'running' }],
    ['cancelled', { error: { code: 'cancelled', message: 'by hand' } }, { status: 'failed' }],
  ] as const)('sees a training that is %s (%j)', async (status, how, seen) => {
    expect((await look({ following: 'training' })).look).not.toHaveProperty('retraining')
    await ended('training', status, { ...how, codes: [...('codes' in how ? how.codes : [])] })
    expect((await look({ following: 'training' })).look!.retraining).toMatchObject({ number: 1, ...seen })
  })

  it.each([
    ['running', undefined, 'running'],
    ['refused', 'rolled_back', 'rolled_back'],
    ['refused', 'aborted', 'aborted'],
    ['refused', 'failed', 'failed'],
    ['cancelled', undefined, 'aborted'],
    ['terminated', undefined, 'failed'],
  ] as const)('sees a rollout that is %s (%s)', async (status, rollout, seen) => {
    expect((await look({ following: 'rollout' })).look).not.toHaveProperty('rollout')
    const id = await ended('rollout', status, rollout ? { result: { rollout, reason: 'why' } } : {})
    const found = (await look({ following: 'rollout' })).look!
    expect(found.rollout).toMatchObject({ version: 2, status: seen })
    if (rollout) expect(found.rollout).toMatchObject({ evidence: { rollout: id, reason: 'why' } })
    expect(found).not.toHaveProperty('otherRollout')
  })

  it('says since when a promoted version answers everything, by event time', async () => {
    const rolloutId = await ended('rollout', 'succeeded', { result: { rollout: 'promoted' } })
    const completedAt = async () => {
      const { rollout } = (await look({ following: 'rollout' })).look!
      return (rollout as { completedAt: number }).completedAt
    }
    // Nobody has asked for a prediction yet.
    expect(await completedAt()).toBe(0)
    const log = (numbers: readonly number[], revision: number, more: Partial<PredictionRecord> = {}) =>
      logPredictions(
        ports,
        database.dataSource,
        deployment,
        numbers.map(sequence =>
          predictionRecord(sequence, { deployment: deployment.name, revision, ...more }),
        ),
      )
    await log([1, 2, 3], 1)
    expect(await completedAt()).toBe(START + 3 * HOUR + 1)
    const issue = (weight: number) =>
      database.dataSource.transaction(transaction =>
        ports.deployments.issue(transaction, deployment.id, {
          plan: {
            salt: 's',
            arms: [
              { version: 2, role: 'stable', weight },
              { version: 1, role: 'candidate', weight: 100 - weight },
            ],
          },
          versions: [],
          reason: 'test',
          rolloutId,
          effectKey: uuidv7(),
        }),
      )
    for (const weight of [50, 100]) await issue(weight)
    expect(await completedAt()).toBe(START + 3 * HOUR + 1)
    await log([4, 5], 2)
    await log([6, 7], 2)
    // A client that tries again gets the answer of before.
    await log([3], 2, { at: Date.UTC(2026, 6, 1) })
    expect(await completedAt()).toBe(START + 4 * HOUR)
  })

  it("sees somebody else's rollout", async () => {
    const { run } = await ports.runs.accept({
      project: PROJECT,
      kind: 'rollout',
      name: deployment.name,
      request: {},
      principal: 'key:ann',
      trigger: 'api',
      retryPolicy: { codes: [], maxAttempts: 1, delaySeconds: 1 },
    })
    expect((await look()).look!.otherRollout).toEqual({ rolloutId: run.id })
    await ports.runs.update(run.id, writeSequence(1, 1), { status: 'running' })
    expect((await look()).look!.otherRollout).toEqual({ rolloutId: run.id })
    await ports.runs.update(run.id, writeSequence(1, 'closing'), { status: 'failed' })
    expect((await look()).look).not.toHaveProperty('otherRollout')
  })
})
