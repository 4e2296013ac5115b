import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { parseEventTime } from '../../../domain/drift/event-time.js'
import type { IncidentState } from '../../../domain/incidents/incident.js'
import { DeploymentStore } from '../../../stores/postgres/deployment-store.js'
import { DriftStore } from '../../../stores/postgres/drift-store.js'
import type { Deployment } from '../../../stores/postgres/entities/deployment.js'
import { IncidentStore } from '../../../stores/postgres/incident-store.js'
import { RunStore } from '../../../stores/postgres/run-store.js'
import { months } from '../../domain/drift/months.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'
import { MONTHLY, recordWindow } from '../../support/windows.js'

const PROJECT = 'default'
const NO_RETRIES = { codes: [], maxAttempts: 1, delaySeconds: 1 }
const BREACHED = months('2012-01', ['breached', 'breached'])

describe('IncidentStore', () => {
  let database: TestDatabase
  let incidents: IncidentStore
  let runs: RunStore
  let deployment: Deployment
  let made = 0
  beforeAll(async () => {
    database = await testDatabase()
    incidents = new IncidentStore(database.dataSource)
    runs = new RunStore(database.dataSource)
  })
  afterAll(() => database.drop())
  beforeEach(async () => {
    const deployments = new DeploymentStore(database.dataSource)
    const { id, name } = await deployments.create(PROJECT, `bike-${++made}`, 'bike-demand', 'key:test')
    await new DriftStore(database.dataSource).setPolicy(id, MONTHLY)
    deployment = await deployments.get(PROJECT, name)
  })

  const open = (assessments = BREACHED) =>
    database.dataSource.transaction(transaction =>
      incidents.openIfDue(transaction, deployment, assessments, NO_RETRIES),
    )
  const all = async () => (await incidents.list(PROJECT, { deploymentId: deployment.id })).items
  /** Ends it as a person does: windows before that day are settled. */
  const close = async (id: string, settled: string) => {
    const { state, events } = await incidents.get(PROJECT, id)
    const closed: IncidentState = { ...state, status: 'closed', settledUntil: parseEventTime(settled) }
    await runs.update(id, 1001, { status: 'running' })
    const event = { at: Date.now(), status: 'closed' as const, message: 'done', evidence: {} }
    const record = { state: closed, message: 'done', first: events + 1, events: [event] }
    await incidents.record({ runId: id, attempt: 1 }, record)
  }

  it('opens with the window that gives the ground, its run promised with it', async () => {
    const [january, february] = BREACHED
    expect(await recordWindow(database.dataSource, deployment, january!)).toBeNull()
    expect(await all()).toEqual([])
    const id = await recordWindow(database.dataSource, deployment, february!)
    expect(await all()).toMatchObject([
      {
        id,
        status: 'open',
        signal: 'errors',
        message: 'opened by 2012-01 and 2012-02',
        events: 1,
        closedAt: null,
        deployment: { name: deployment.name },
      },
    ])
    expect(await runs.get(PROJECT, id!)).toMatchObject({
      kind: 'incident',
      name: deployment.name,
      status: 'accepted',
      trigger: 'incident',
      workflowId: `default/incident/${deployment.name}/${id}`,
    })
    expect(await runs.isStartOwed(id!)).toBe(true)
    expect((await incidents.events(id!, {})).items).toMatchObject([
      {
        number: 1,
        status: 'open',
        evidence: { windows: [{ window: { id: '2012-01' } }, { breached: true }] },
      },
    ])
  })

  it('opens one, however many see the ground for it at once', async () => {
    const opened = await Promise.all([1, 2, 3, 4].map(() => open()))
    const [id, ...others] = opened.filter(each => each !== null)
    expect(others).toEqual([])
    expect(await all()).toMatchObject([{ id }])
    const { items } = await runs.list(PROJECT, { kind: 'incident', name: deployment.name })
    expect(items.map(run => run.id)).toEqual([id])
    // What comes later joins it, as long as it is open.
    expect(await open(months('2012-01', ['breached', 'breached', 'breached']))).toBeNull()
  })

  it('is one of a deployment and signal even for who goes past the turns', async () => {
    await open()
    const [row] = await all()
    const second = { ...row, id: '0190a000-0000-7000-8000-00000000000f' }
    const insert = database.dataSource.getRepository('Incident').insert(second as never)
    await expect(insert).rejects.toThrow(/incidents_deployment_id_signal_index/)
  })

  it('leaves nothing behind where the transaction is not committed', async () => {
    const failed = database.dataSource.transaction(async transaction => {
      expect(await incidents.openIfDue(transaction, deployment, BREACHED, NO_RETRIES)).not.toBeNull()
      throw new Error('killed')
    })
    await expect(failed).rejects.toThrow('killed')
    expect(await all()).toEqual([])
    expect(await open()).not.toBeNull()
  })

  it('opens another for windows that the last one has not settled', async () => {
    const first = await open()
    await close(first!, '2012-03-01')
    expect((await incidents.get(PROJECT, first!)).closedAt).toBeInstanceOf(Date)
    expect(await open()).toBeNull()
    expect(await open(months('2012-01', ['breached', 'breached', 'breached']))).toBeNull()
    const again = await open(months('2012-01', ['breached', 'breached', 'breached', 'breached']))
    expect(again).not.toBeNull()
    expect(await all()).toMatchObject([
      { id: again, message: 'opened by 2012-03 and 2012-04' },
      { id: first, status: 'closed' },
    ])
    expect(
      (await incidents.list(PROJECT, { deploymentId: deployment.id, status: 'closed' })).items,
    ).toHaveLength(1)
  })

  it('takes no write of an attempt that is over, nor one that comes late', async () => {
    const id = (await open())!
    await runs.update(id, 1001, { status: 'running' })
    const { state } = await incidents.get(PROJECT, id)
    const waiting: IncidentState = { ...state, status: 'waiting_for_data' }
    const say = (message: string, first: number, attempt = 1) =>
      incidents.record(
        { runId: id, attempt },
        {
          state: waiting,
          message,
          first,
          events: [{ at: 1, status: 'waiting_for_data', message, evidence: {} }],
        },
      )
    await say('one', 2)
    await say('two', 3)
    await say('one', 2)
    await say('three', 4, 2)
    expect(await incidents.get(PROJECT, id)).toMatchObject({ message: 'two', events: 3 })
    const { items } = await incidents.events(id, {})
    expect(items.map(event => event.message)).toEqual(['two', 'one', 'opened by 2012-01 and 2012-02'])
    expect(await runs.get(PROJECT, id)).toMatchObject({ stage: 'waiting_for_data' })
  })
})
