import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { buildReport } from '../../domain/check/report.js'
import type { DecisionEntry } from '../../domain/rollouts/turn.js'
import { readRows, type RowFacts } from '../../infra/launcher/check-facts.js'
import { uuidv7 } from '../../stores/ids.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import { DriftWindow } from '../../stores/postgres/entities/drift.js'
import { Incident, IncidentEvent } from '../../stores/postgres/entities/incident.js'
import { LabelStore } from '../../stores/postgres/label-store.js'
import { PredictionStore } from '../../stores/postgres/prediction-store.js'
import { RolloutStore } from '../../stores/postgres/rollout-store.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

const HASH = 'a'.repeat(64)
const URI = `default/sha256/aa/${HASH}`
const AT = new Date('2012-02-01T00:00:00Z')
const rolloutId = uuidv7()
const replica = uuidv7()

describe('the rows of a check', () => {
  let database: TestDatabase
  let deploymentId: string
  let rows: RowFacts
  beforeAll(async () => {
    database = await testDatabase()
    const { dataSource } = database
    const deployments = new DeploymentStore(dataSource)
    deploymentId = (await deployments.create('default', 'bike', 'demand', 'key:test')).id
    const onnx = { uri: URI, sha256: HASH, bytes: 7 }
    const signature = { features: [], target: 'cnt', output: { name: 'cnt' } }
    for (const revision of [1, 2]) {
      await dataSource.transaction(transaction =>
        deployments.issue(transaction, deploymentId, {
          plan: { salt: 'a', arms: [{ version: revision, role: 'stable', weight: 100 }] },
          versions: [{ model: 'demand', version: revision, signature, onnx }],
          reason: 'a test',
          rolloutId,
          effectKey: `${rolloutId}/plan-${revision}/g1`,
        }),
      )
    }
    await deployments.report('default', [
      { replica, deploymentId, revision: 2, problem: null, address: 'http://127.0.0.1:1' },
    ])
    const decision = (status: DecisionEntry['status']): DecisionEntry => {
      return { at: 0, step: 0, status, verdict: null, message: status, assessments: [], rows: {} }
    }
    const decisions = [decision('running'), decision('promoting'), decision('promoted')]
    await new RolloutStore(dataSource).record({ runId: rolloutId, attempt: 1 }, 1, decisions, 'promoted')
    await addPredictions(dataSource)
    await addLabels(dataSource)
    await addMonitoring(dataSource)
    rows = await readRows(dataSource)
  })
  afterAll(() => database.drop())

  type Source = TestDatabase['dataSource']

  async function addPredictions(dataSource: Source): Promise<void> {
    const predictions = new PredictionStore(dataSource)
    const first = 9_000_000_000_000
    const sealed = { project: 'default', replica, segment: 1, uri: URI, sha256: HASH, bytes: '7', records: 2 }
    const numbers = { firstSequence: String(first), lastSequence: String(first + 1) }
    await predictions.addSegment({ ...sealed, ...numbers, gaps: [], sealedAt: AT })
    await predictions.takeWaiting(1, (segments, transaction) =>
      predictions.finish(transaction, segments, [
        {
          id: uuidv7(),
          deploymentId,
          uri: URI,
          sha256: HASH,
          bytes: '7',
          rows: 2,
          minEventTime: AT,
          maxEventTime: AT,
          minRevision: 1,
          maxRevision: 2,
          segments: [`${replica}/1`],
          gaps: [],
          effectKey: 'default/ingest/1',
        },
      ]),
    )
  }

  async function addLabels(dataSource: Source): Promise<void> {
    const labels = new LabelStore(dataSource)
    for (const value of [1, 2, 2, 1]) {
      await labels.add(deploymentId, [{ predictionId: 'a', value, at: AT }], 'key:test')
    }
    await labels.add(deploymentId, [{ predictionId: 'b', value: 1, at: AT }], 'key:test')
    // What the store never does: a revision left out, one that says what held, and one with a mark.
    await dataSource.query(
      `INSERT INTO labels (deployment_id, prediction_id, revision, value, at, received_at, principal, matched_at)
       VALUES ($1, 'b', 2, 5, now(), now(), 'nobody', NULL), ($1, 'a', 3, 1, now(), now(), 'nobody', now())`,
      [deploymentId],
    )
  }

  async function addMonitoring(dataSource: Source): Promise<void> {
    const content = { uri: URI, sha256: HASH, bytes: 7 }
    await dataSource.getRepository(DriftWindow).insert({
      deploymentId,
      windowId: '2012-01',
      revision: 1,
      startsAt: new Date('2012-01-01T00:00:00Z'),
      endsAt: AT,
      state: 'assessable',
      reason: 'a test',
      breached: true,
      rows: 2,
      labelled: 2,
      dropped: 0,
      versions: [],
      metrics: null,
      checks: [],
      reference: {},
      report: { json: content, html: content },
      fingerprint: 'f',
      asOf: { files: 1, labels: 2 },
      runId: uuidv7(),
      effectKey: 'drift/record/g1',
      createdAt: AT,
    } as never)
    const [told, silent] = [uuidv7(), uuidv7()]
    for (const [id, status] of [
      [told, 'closed'],
      [silent, 'open'],
    ] as const) {
      await dataSource.getRepository(Incident).insert({
        id,
        project: 'default',
        deploymentId,
        signal: 'errors',
        status,
        message: 'a test',
        state: { retrainings: [{ number: 1 }] },
        events: 2,
        openedAt: new Date(AT.getTime() + (status === 'open' ? 1 : 0)),
        closedAt: null,
      } as never)
    }
    for (const number of [1, 2]) {
      const event = { incidentId: told, number, at: AT, status: 'open', message: 'a test', evidence: {} }
      await dataSource.getRepository(IncidentEvent).insert(event as never)
    }
  }

  it('hold plans without signatures, replicas, and the ends of decision logs', () => {
    const onnx = { uri: URI, sha256: HASH, bytes: 7 }
    expect(rows.deployments).toEqual([
      expect.objectContaining({ id: deploymentId, project: 'default', name: 'bike', model: 'demand' }),
    ])
    expect(rows.plans.map(({ revision, versions }) => ({ revision, versions }))).toEqual([
      { revision: 1, versions: [{ model: 'demand', version: 1, onnx }] },
      { revision: 2, versions: [{ model: 'demand', version: 2, onnx }] },
    ])
    expect(rows.replicas).toMatchObject([{ replica, deploymentId, revision: 2, problem: null }])
    expect(rows.decisionLogs).toEqual([{ rolloutId, entries: 3, first: 1, last: 3, status: 'promoted' }])
  })

  it('hold segments and files with their numbers as numbers, and labels counted', () => {
    expect(rows.segments).toMatchObject([
      {
        replica,
        segment: 1,
        bytes: 7,
        records: 2,
        firstSequence: 9_000_000_000_000,
        lastSequence: 9_000_000_000_001,
        tries: 0,
        problem: null,
        sealedAt: AT,
      },
    ])
    expect(rows.segments[0]!.ingestedAt).toBeInstanceOf(Date)
    expect(rows.predictionFiles).toMatchObject([
      { deploymentId, bytes: 7, rows: 2, segments: [`${replica}/1`], lookedAt: false },
    ])
    expect(rows.labels).toEqual([
      {
        deploymentId,
        labels: 2,
        corrections: 4,
        misnumbered: 1,
        repeated: 1,
        held: 2,
        unknown: 0,
        mismarked: 1,
        sweptUntil: null,
      },
    ])
  })

  it('hold windows, and incidents with their events counted', () => {
    expect(rows.driftWindows).toMatchObject([
      { deploymentId, windowId: '2012-01', revision: 1, breached: true, effectKey: 'drift/record/g1' },
    ])
    expect(rows.incidents).toMatchObject([
      { status: 'closed', retrainings: 1, events: 2, logged: 2, firstEvent: 1, lastEvent: 2 },
      { status: 'open', retrainings: 1, events: 2, logged: 0, firstEvent: null, lastEvent: null },
    ])
  })

  it('are what the report is made of', () => {
    const none = {
      workflows: new Map(),
      openWorkflows: [],
      objects: new Map(),
      logged: [],
      retentionDays: 30,
    }
    const report = buildReport({ ...rows, ...none })
    expect(new Set(report.problems.map(({ code }) => code))).toEqual(
      new Set([
        'effect_without_step',
        'incident_event_gap',
        'incident_not_followed',
        'label_gap',
        'label_mismarked',
        'label_repeated',
        'plan_version_missing',
      ]),
    )
    expect(report.deployments).toMatchObject([
      {
        name: 'bike',
        revision: 2,
        predictions: { files: 1, rows: 2, ids: null },
        labels: 2,
        corrections: 4,
        held: 2,
      },
    ])
  })
})
