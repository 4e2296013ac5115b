import { setTimeout as wait } from 'node:timers/promises'
import { randomUUID } from 'node:crypto'
import { WorkflowUpdateFailedError } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Ports } from '../../activities/ports.js'
import {
  type IncidentOrder,
  incidentVerb,
  type IncidentVerbAnswered,
} from '../../contracts/temporal/incidents.js'
import { liveQuery } from '../../contracts/temporal/messages.js'
import type { IncidentStatus } from '../../domain/incidents/incident-status.js'
import type { RetrainingPolicy, TrainingRetrainingPolicy } from '../../domain/retraining/policy.js'
import { writeSequence } from '../../domain/runs/run-status.js'
import { uuidv7 } from '../../stores/ids.js'
import type { Deployment } from '../../stores/postgres/entities/deployment.js'
import type { Incident } from '../../stores/postgres/entities/incident.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { runOfIncident } from '../../stores/postgres/incident-store.js'
import { relayStarts } from '../../worker/relay.js'
import { months, type Say } from '../domain/drift/months.js'
import { bikeCsv, bikeTraining } from '../support/bike-data.js'
import { type BikeHour, bikeHours, predictionOf } from '../support/bike-log.js'
import { eventually } from '../support/eventually.js'
import { Harness, type HarnessOptions, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'
import { PipelineRuns } from '../support/pipeline-runs.js'
import { logPredictions } from '../support/prediction-log.js'
import { BIKE_SIGNATURE, RETRAIN, retrainingByPipeline } from '../support/retraining-pipeline.js'
import { serveVersion } from '../support/serving-plan.js'
import { MONTHLY, recordWindow } from '../support/windows.js'

/** Labelled rows of the months from May 2011 on. */
const ROWS = [744, 720, 744, 731, 717]
const QUICK = { MLFORGE_ROLLOUTS_LOOK_EVERY_SECONDS: '0.2' }

const { model: _, dataset: _dataset, split: _split, ...TRAINING } = bikeTraining({ rounds: 20 })

function policy(
  maxRmseOfBaseline: number,
  change: Partial<TrainingRetrainingPolicy> = {},
): TrainingRetrainingPolicy {
  return {
    dataset: 'bike',
    timeColumn: 'dteday',
    training: { ...TRAINING, gate: { maxRmseOfBaseline, maxRmseOfChampion: 5 } },
    holdout: 'month',
    strategy: { kind: 'canary' },
    incident: { minLabelledRows: 2_000 },
    ...change,
  }
}

describe('followIncident', () => {
  let harness: Harness
  let world: World
  beforeAll(async () => {
    world = await World.start()
    ;({ harness } = world)
    const run = await harness.commit('bike', bikeCsv(4), { columns: { dteday: { format: '%m/%d/%Y' } } })
    await harness.ended(run)
  })
  afterAll(() => world.stop())

  it('waits for data, retrains, is refused by the gate, is told to retrain, rolls out and closes', async () => {
    const bike = await world.deploy('bike', policy(0.01))
    await bike.logs(world.hours)
    await bike.sees(['breached', 'breached'])
    await bike.until('waiting_for_data', 'waiting for data 1464/2000')
    const live = await harness.client.workflow.getHandle((await bike.run()).workflowId).query(liveQuery)
    expect(live).toEqual({ stage: 'waiting_for_data', message: 'waiting for data 1464/2000' })
    const web = await harness.client.workflow
      .getHandle((await bike.run()).workflowId)
      .query<{ currentDetails: string }>('__temporal_workflow_metadata')
    expect(web.currentDetails).toContain(
      '| opened by | 2011-05, 2011-06 |\n| now | waiting for data 1464/2000 |',
    )

    await bike.sees(['breached', 'breached', 'breached'])
    await bike.until('escalated', 'retraining 1 was refused by its gate')
    const refused = await harness.ports.runs.get(PROJECT, await bike.own('training', 1))
    expect(refused).toMatchObject({ status: 'refused', trigger: 'incident', error: { code: 'gate_refused' } })
    expect(await bike.story()).toMatchObject([
      { message: 'opened by 2011-05 and 2011-06' },
      { message: 'waiting for data 1464/2000', evidence: { for: 'data', rows: 1464, required: 2000 } },
      { message: 'retraining with 2208 labelled rows until 2011-08-01T00:00:00.000Z' },
      {
        message: 'training on bike version 2: 4994 rows, 2208 of them predictions',
        evidence: { version: 2, training: refused.id },
      },
      { message: 'retraining 1 is running' },
      {
        status: 'escalated',
        evidence: { reason: 'gate_refused', training: refused.id, gate: { passed: false } },
      },
    ])
    const version = await harness.ports.datasets.version(PROJECT, 'bike', 2)
    expect(version).toMatchObject({ runId: bike.id, message: expect.stringContaining(bike.id) })

    await harness.ports.deployments.setRetraining(bike.deployment.id, policy(1))
    const retrain = { verb: 'retrain', by: 'key:ann', reason: 'the gate was too strict' } as const
    const updateId = randomUUID()
    const first = await bike.tell(retrain, updateId)
    expect(first).toEqual({ status: 'escalated', message: 'retrain by key:ann: the gate was too strict' })
    expect(await bike.tell(retrain, updateId)).toEqual(first)
    await bike.until('rolling_out', 'version 1 is being rolled out')
    const rollout = await harness.ports.runs.get(PROJECT, await bike.own('rollout', 2))
    expect(rollout).toMatchObject({
      kind: 'rollout',
      principal: `incident:${bike.id}`,
      request: { candidate: { version: 1 }, strategy: { kind: 'canary' }, force: null },
    })
    await expect(bike.tell({ verb: 'close', by: 'key:ann', reason: 'no' })).rejects.toThrow(
      'a rollout is in progress: wait for it or abort it first',
    )
    await expect(bike.tell(retrain)).rejects.toThrow('a rollout is in progress')

    // August's first hours are still answered by the version before.
    const august = bikeHours(bikeCsv(8)).filter(hour => hour.time >= Date.UTC(2011, 7, 1))
    const revision = await bike.serves(rollout.id, 1)
    await bike.logs(august.slice(0, 24), { version: 9, revision: revision - 1 })
    await bike.logs(august.slice(24, 48), { version: 1, revision })
    await bike.ends(rollout, { status: 'succeeded', rollout: 'promoted' })
    const observing = await bike.until('observing', 'observing version 1: 0/2 windows without breach')
    expect(observing.state.observedFrom).toBe(august[24]!.time)

    const healthy: Say[] = ['breached', 'breached', 'breached', 'healthy', 'healthy', 'healthy']
    await bike.sees(healthy.slice(0, 5), [[9], [9], [9], [9, 1], [1]])
    await bike.until('observing', 'observing version 1: 1/2 windows without breach')
    await bike.sees(healthy, [[9], [9], [9], [9, 1], [1], [1]])
    const run = await harness.ended(await bike.run())
    expect(run).toMatchObject({ status: 'succeeded', stage: 'succeeded', result: { incident: 'closed' } })
    expect(await bike.incident()).toMatchObject({
      status: 'closed',
      message: '2011-09 and 2011-10 without breach, with version 1',
      closedAt: expect.any(Date),
      state: { settledUntil: Date.UTC(2011, 10, 1), retrainings: [{ version: null }, { version: 1 }] },
    })
    await record(harness.client, run.workflowId, 'followIncident.closed')
  })

  it('retrains by the pipeline of its policy, and takes its no for one', async () => {
    const runs = new PipelineRuns(harness)
    await runs.apply('retrain', RETRAIN)
    const incident = { minLabelledRows: 2_000 }
    const bike = await world.deploy('piped', retrainingByPipeline(0.01, { incident }))
    await serveVersion(harness, bike.deployment.id, BIKE_SIGNATURE)
    await bike.logs(world.hours)
    await bike.sees(['breached', 'breached', 'breached'])
    await bike.until('escalated', 'retraining 1 was refused by its gate')
    const first = await bike.own('training', 1)
    expect((await bike.story()).slice(-3)).toMatchObject([
      { evidence: { dataset: 'bike', pipelineRun: first } },
      { message: 'retraining 1 is running' },
      { status: 'escalated', evidence: { reason: 'gate_refused', pipeline: first, code: 'gate_refused' } },
    ])

    await harness.ports.deployments.setRetraining(bike.deployment.id, retrainingByPipeline(1, { incident }))
    await bike.tell({ verb: 'retrain', by: 'key:ann', reason: 'the gate was too strict' })
    await bike.until('rolling_out', 'version 1 is being rolled out')
    const run = await harness.ports.runs.get(PROJECT, await bike.own('training', 2))
    expect(run).toMatchObject({
      kind: 'pipeline',
      name: 'retrain',
      status: 'succeeded',
      principal: `incident:${bike.id}`,
      request: { retrains: { deployment: 'piped', step: 'train' } },
    })
    const rollout = await harness.ports.runs.get(PROJECT, await bike.own('rollout', 2))
    expect(rollout).toMatchObject({ request: { candidate: { version: 1 } } })
    await bike.ends(rollout, { status: 'succeeded', rollout: 'promoted' })
    await bike.until('observing', /^observing version 1/)
    await bike.tell({ verb: 'close', by: 'key:ann', reason: 'seen enough' })
    await harness.ended(await bike.run())
    await record(harness.client, (await bike.run()).workflowId, 'followIncident.by-pipeline')
  })

  it('opens with the check that finds the second breach', async () => {
    const bike = await world.deploy('watched', policy(1))
    await harness.ports.drift.setPolicy(bike.deployment.id, {
      ...MONTHLY,
      reference: { kind: 'trailing', windows: 1 },
    })
    // Answers of 100 bicycles, where there were about twice as many.
    await bike.logs(world.hours)
    const [may, june] = months('2011-05', ['breached', 'breached'])
    for (const { window } of [may!, june!]) {
      expect((await harness.ports.incidents.list(PROJECT, { status: 'waiting_for_data' })).items).toEqual([])
      const { id: windowId, start, end } = window
      const check = await harness.ended(await harness.accept('drift', 'watched', { windowId, start, end }))
      expect(check).toMatchObject({ status: 'succeeded', error: null })
    }
    const { items } = await harness.ports.incidents.list(PROJECT, { deploymentId: bike.deployment.id })
    expect(items).toMatchObject([{ state: { openedBy: [{ id: '2011-05' }, { id: '2011-06' }] } }])
    bike.id = items[0]!.id
    await bike.until('waiting_for_data', 'waiting for data 1464/2000')
    await bike.tell({ verb: 'suppress', by: 'key:ann', reason: 'a test' })
    await harness.ended(await bike.run())
  })

  it('escalates what was rolled back, and takes verbs until a person ends it', async () => {
    const bike = await world.deploy('rolled-back', policy(1))
    await bike.logs(world.hours)
    await bike.sees(['breached', 'breached', 'breached'])
    await bike.until('rolling_out', /^version \d+ is being rolled out$/)
    const rollout = await harness.ports.runs.get(PROJECT, await bike.own('rollout', 1))
    await bike.ends(rollout, { status: 'refused', rollout: 'rolled_back', reason: 'harm: 49.1 above 0' })
    await bike.until('escalated', /^version \d+ was rolled back$/)
    expect((await bike.story()).at(-1)).toMatchObject({
      evidence: { reason: 'harm: 49.1 above 0', rollout: rollout.id, status: 'refused' },
    })
    await bike.tell({ verb: 'acknowledge', by: 'key:ann', reason: 'looking at it' })
    await expect(
      bike.tell({ verb: 'retrain', by: 'key:ann', reason: 'x', dataUntil: Date.UTC(2011, 0, 1) }),
    ).rejects.toThrow('the data would end before 2011-05')
    expect(await bike.tell({ verb: 'close', by: 'key:ann', reason: 'a sensor was broken' })).toEqual({
      status: 'closed',
      message: 'close by key:ann: a sensor was broken',
    })
    const run = await harness.ended(await bike.run())
    expect(await bike.incident()).toMatchObject({
      status: 'closed',
      message: 'close by key:ann: a sensor was broken',
      state: {
        settledUntil: Date.UTC(2011, 7, 1),
        acknowledged: { by: 'key:ann', note: 'looking at it' },
      },
    })
    await expect(bike.tell({ verb: 'acknowledge', by: 'key:ann', reason: 'x' })).rejects.toThrow(/completed/)
    await record(harness.client, run.workflowId, 'followIncident.rolled-back')
  })

  it("waits for somebody else's rollout, and says what keeps it from retraining", async () => {
    const bike = await world.deploy('no-policy', null)
    const human = await harness.accept('rollout', 'no-policy', {})
    await bike.sees(['breached', 'breached', 'breached'], [], [3_000, 3_000, 3_000])
    await bike.until('waiting_for_data', `waiting for rollout ${human.id} to end`)
    await bike.ends(human, { status: 'succeeded', rollout: 'promoted' })
    await bike.until('escalated', 'retraining 1 failed')
    expect((await bike.story()).at(-1)).toMatchObject({
      evidence: { code: 'wrong_state', message: expect.stringContaining('no policy to retrain by') },
    })
    await bike.tell({ verb: 'suppress', by: 'key:ann', reason: 'known', settledUntil: Date.UTC(2012, 0, 1) })
    const run = await harness.ended(await bike.run())
    expect(run).toMatchObject({ status: 'succeeded', result: { incident: 'suppressed' } })
    // What is settled opens nothing.
    await bike.sees(['breached', 'breached', 'breached', 'breached', 'breached', 'breached'])
    expect(
      (await harness.ports.incidents.list(PROJECT, { deploymentId: bike.deployment.id })).items,
    ).toHaveLength(1)
    await record(harness.client, run.workflowId, 'followIncident.suppressed')
  })

  it('stays as it is when its run is cancelled or terminated, and goes on when that is retried', async () => {
    const bike = await world.deploy('stopped', policy(1))
    await bike.sees(['breached', 'breached'])
    await bike.until('waiting_for_data', 'waiting for data 1464/2000')
    const handle = harness.client.workflow.getHandle((await bike.run()).workflowId)
    await handle.cancel()
    expect(await harness.ended(await bike.run())).toMatchObject({ status: 'cancelled' })
    await record(harness.client, handle.workflowId, 'followIncident.cancelled')
    expect((await bike.story()).at(-1)!.message).toMatch(/^cancelled: nobody follows/)
    expect(await bike.incident()).toMatchObject({ status: 'waiting_for_data', closedAt: null })

    await harness.ports.runs.retry(PROJECT, bike.id)
    await bike.until('waiting_for_data', 'waiting for data 1464/2000', 2)
    await handle.terminate('by hand')
    await eventually(async () => {
      await harness.tick('reconcile')
      expect(await bike.run()).toMatchObject({ status: 'terminated' })
    })
    expect(await bike.incident()).toMatchObject({ status: 'waiting_for_data' })

    await harness.ports.runs.retry(PROJECT, bike.id)
    await bike.until('waiting_for_data', 'waiting for data 1464/2000', 3)
    // Labels are corrected meanwhile: the ground is gone.
    await bike.sees(['breached', 'healthy'])
    expect(await harness.ended(await bike.run())).toMatchObject({ status: 'succeeded', attempt: 3 })
    expect(await bike.incident()).toMatchObject({
      status: 'closed',
      message: 'corrected labels: 2011-05 and 2011-06 are no longer breached in a row',
    })
    await record(harness.client, handle.workflowId, 'followIncident.withdrawn')
  })
})

describe('verbs of an incident', () => {
  let world: World
  beforeAll(async () => {
    world = await World.start({ queues: ['workflows'] })
  })
  afterAll(() => world.stop())

  it('are refused before it has begun, and answered again after its history was cut', async () => {
    const bike = await world.deploy('early', policy(1))
    await bike.sees(['breached', 'breached'])
    const acknowledge = { verb: 'acknowledge', by: 'key:ann', reason: 'seen' } as const
    await eventually(() =>
      expect(bike.tell(acknowledge)).rejects.toThrow('is only just beginning. Send the verb again'),
    )
    const { workflowId } = await bike.run()
    await world.harness.client.workflow.getHandle(workflowId).terminate()

    const answered: IncidentVerbAnswered = { status: 'open', message: 'acknowledge by key:ann: seen' }
    const { input, options, type } = world.harness.optionsOf(await bike.run())
    const { state, events, message: said } = await bike.incident()
    const carried = { state, events, said, handled: [['known', answered]] }
    await world.harness.client.workflow.start(type, { ...options, args: [{ ...input, carried }] })
    await world.harness.work('io')
    await bike.until('waiting_for_data', 'waiting for data 1464/2000')
    expect(await bike.tell({ ...acknowledge, reason: 'other' }, 'known')).toEqual(answered)
    expect((await bike.incident()).state.acknowledged).toBeNull()
    await bike.tell({ verb: 'close', by: 'key:ann', reason: 'enough' })
    await eventually(async () => expect((await bike.incident()).status).toBe('closed'))
  })
})

/** The harness with a relay that starts everything but rollouts: how those end the tests decide. */
class World {
  private readonly stopRelay = new AbortController()
  private relay: Promise<void> = Promise.resolve()
  readonly hours: BikeHour[] = bikeHours(bikeCsv(7)).filter(hour => hour.time >= Date.UTC(2011, 4, 1))

  private constructor(readonly harness: Harness) {}

  static async start(options: HarnessOptions = {}): Promise<World> {
    const world = new World(await Harness.start({ env: QUICK, relay: false, ...options }))
    const { ports, outbox, logger } = world.harness
    const workflows: Ports['workflows'] = {
      start: async (run, limits) => (run.kind === 'rollout' ? 'none' : ports.workflows.start(run, limits)),
      describe: id => ports.workflows.describe(id),
      cancel: id => ports.workflows.cancel(id),
      history: (id, executionId) => ports.workflows.history(id, executionId),
    }
    const idle = async (_ms: number, signal: AbortSignal) =>
      wait(20, undefined, { signal }).catch(() => undefined)
    world.relay = relayStarts({ ...ports, workflows, outbox, logger, idle }, world.stopRelay.signal)
    return world
  }

  async deploy(name: string, retraining: RetrainingPolicy | null): Promise<Bike> {
    const { deployments, drift } = this.harness.ports
    const { id } = await deployments.create(PROJECT, name, name, 'key:test')
    await drift.setPolicy(id, MONTHLY)
    if (retraining) await deployments.setRetraining(id, retraining)
    return new Bike(this.harness, await deployments.get(PROJECT, name))
  }

  async stop(): Promise<void> {
    this.stopRelay.abort()
    await this.relay
    await this.harness.stop()
  }
}

/** A deployment whose windows a test dictates, and its incident. */
class Bike {
  id = ''
  private attempt = 1
  private readonly seen = new Map<string, string>()

  constructor(
    private readonly harness: Harness,
    readonly deployment: Deployment,
  ) {}

  /** Predictions of hours, all labelled. */
  async logs(hours: readonly BikeHour[], change: Parameters<typeof predictionOf>[1] = {}): Promise<void> {
    const { ports, database } = this.harness
    const records = hours.map(hour => predictionOf(hour, { deployment: this.deployment.name, ...change }))
    await logPredictions(ports, database.dataSource, this.deployment, records)
    const labels = hours.map(({ instant, count }) => ({
      predictionId: `bike-${instant}`,
      value: count,
      at: new Date(),
    }))
    await ports.labels.add(this.deployment.id, labels, 'key:test')
  }

  /** What drift checks find of the months from May 2011 on; what was found before stays. */
  async sees(
    said: readonly Say[],
    versions: readonly (readonly number[])[] = [],
    rows: readonly number[] = ROWS,
  ): Promise<void> {
    for (const assessment of months('2011-05', said, rows, versions)) {
      const text = JSON.stringify(assessment)
      if (this.seen.get(assessment.window.id) === text) continue
      this.seen.set(assessment.window.id, text)
      const opened = await recordWindow(this.harness.database.dataSource, this.deployment, assessment)
      if (opened !== null) this.id = opened
    }
  }

  incident(): Promise<Incident> {
    return this.harness.ports.incidents.get(PROJECT, this.id)
  }

  async run(): Promise<Run> {
    return { ...(await this.harness.row({ id: this.id })), attempt: this.attempt }
  }

  /** Events, oldest first. */
  async story() {
    return (await this.harness.ports.incidents.events(this.id, {})).items.toReversed()
  }

  async until(status: IncidentStatus, message: string | RegExp, attempt = 1): Promise<Incident> {
    this.attempt = attempt
    return eventually(async () => {
      const incident = await this.incident()
      const run = await this.harness.row({ id: this.id })
      const told = typeof message === 'string' ? incident.message === message : message.test(incident.message)
      if (incident.status === status && told && run.status === 'running' && run.attempt === attempt) {
        return incident
      }
      const error = run.error ? `: ${JSON.stringify(run.error)}` : ''
      throw new Error(
        `${incident.status}, ${incident.message}; run is ${run.status} (${run.attempt})${error}`,
      )
    })
  }

  async tell(order: IncidentOrder, updateId: string = randomUUID()): Promise<IncidentVerbAnswered> {
    const { workflowId } = await this.run()
    try {
      return await this.harness.client.workflow
        .getHandle(workflowId)
        .executeUpdate(incidentVerb, { args: [order], updateId })
    } catch (error) {
      if (error instanceof WorkflowUpdateFailedError && error.cause) throw error.cause
      throw error
    }
  }

  async own(what: 'training' | 'rollout', number: number): Promise<string> {
    return runOfIncident(this.id, what, number)
  }

  /** The version gets all traffic; returns the plan's revision. */
  async serves(rolloutId: string, version: number): Promise<number> {
    const { ports, database } = this.harness
    const plan = (at: number) => ({
      salt: 's',
      arms: [{ version: at, role: 'stable' as const, weight: 100 }],
    })
    return database.dataSource.transaction(async transaction => {
      const of = (at: number, by: string) => ({
        plan: plan(at),
        versions: [],
        reason: 'test',
        rolloutId: by,
        effectKey: uuidv7(),
      })
      await ports.deployments.issue(transaction, this.deployment.id, of(9, uuidv7()))
      return (await ports.deployments.issue(transaction, this.deployment.id, of(version, rolloutId))).revision
    })
  }

  /** As the rollout's workflow would leave its row. */
  async ends(
    { id, attempt }: Run,
    {
      status,
      rollout,
      reason = null,
    }: { status: 'succeeded' | 'refused'; rollout: string; reason?: string | null },
  ): Promise<void> {
    const { runs } = this.harness.ports
    await runs.update(id, writeSequence(attempt, 1), { status: 'running', stage: 'running' })
    const result = { outcome: status, rollout, version: 1, reason }
    await runs.update(id, writeSequence(attempt, 'closing'), { status, stage: status, result })
  }
}
