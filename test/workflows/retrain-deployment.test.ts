import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Ports } from '../../activities/ports.js'
import { runOfRetraining } from '../../activities/retraining-runs.js'
import { liveQuery } from '../../contracts/temporal/messages.js'
import { QUEUES } from '../../contracts/temporal/queues.js'
import type { RetrainDeploymentResult } from '../../contracts/temporal/retraining.js'
import type { RetrainingPolicy } from '../../domain/retraining/policy.js'
import { writeSequence } from '../../domain/runs/run-status.js'
import type { TrainingSpec } from '../../domain/training/spec.js'
import { derivedId } from '../../stores/ids.js'
import type { Deployment } from '../../stores/postgres/entities/deployment.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { relayStarts } from '../../worker/relay.js'
import { months } from '../domain/drift/months.js'
import { bikeCsv, bikeTraining } from '../support/bike-data.js'
import { type BikeHour, bikeHours, predictionOf } from '../support/bike-log.js'
import { eventually } from '../support/eventually.js'
import { Harness, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'
import { PipelineRuns } from '../support/pipeline-runs.js'
import { logPredictions } from '../support/prediction-log.js'
import { BIKE_SIGNATURE, RETRAIN, retrainingByPipeline } from '../support/retraining-pipeline.js'
import { serveVersion } from '../support/serving-plan.js'
import { MONTHLY, recordWindow } from '../support/windows.js'

const AUGUST = Date.UTC(2011, 7, 1)
const { model: _, dataset: _dataset, split: _split, ...TRAINING } = bikeTraining({ rounds: 20 })

function policy(maxRmseOfBaseline = 1): RetrainingPolicy {
  return {
    dataset: 'bike',
    timeColumn: 'dteday',
    training: { ...TRAINING, gate: { maxRmseOfBaseline, maxRmseOfChampion: 5 } },
    holdout: 'month',
    strategy: { kind: 'canary' },
    incident: {},
  }
}

describe('retrainDeployment', () => {
  let harness: Harness
  let relay: Promise<void>
  const stopRelay = new AbortController()
  const hours = bikeHours(bikeCsv(8)).filter(({ time }) => time >= Date.UTC(2011, 4, 1) && time <= AUGUST)

  beforeAll(async () => {
    const env = { MLFORGE_ROLLOUTS_LOOK_EVERY_SECONDS: '0.2' }
    harness = await Harness.start({ env, relay: false })
    relay = relayAllButRollouts()
    const run = await harness.commit('bike', bikeCsv(4), { columns: { dteday: { format: '%m/%d/%Y' } } })
    await harness.ended(run)
  })
  afterAll(async () => {
    stopRelay.abort()
    await relay
    await harness.stop()
  })

  /** How rollouts end the tests decide. */
  function relayAllButRollouts(): Promise<void> {
    const { ports, outbox, logger } = harness
    const workflows: Ports['workflows'] = {
      start: async (run, limits) => (run.kind === 'rollout' ? 'none' : ports.workflows.start(run, limits)),
      describe: id => ports.workflows.describe(id),
      cancel: id => ports.workflows.cancel(id),
      history: (id, executionId) => ports.workflows.history(id, executionId),
    }
    const idle = async (_ms: number, signal: AbortSignal) =>
      wait(20, undefined, { signal }).catch(() => undefined)
    return relayStarts({ ...ports, workflows, outbox, logger, idle }, stopRelay.signal)
  }

  /** May to July 2011 with their labels, and August's first hour without. */
  async function deploy(
    name: string,
    retraining: RetrainingPolicy = policy(),
    logged: readonly BikeHour[] = hours,
  ) {
    const { deployments, drift, labels } = harness.ports
    const { id } = await deployments.create(PROJECT, name, name, 'key:test')
    await drift.setPolicy(id, MONTHLY)
    await deployments.setRetraining(id, retraining)
    const deployment = await deployments.get(PROJECT, name)
    if (logged.length > 0) {
      const records = logged.map(hour => predictionOf(hour, { deployment: name }))
      await logPredictions(harness.ports, harness.database.dataSource, deployment, records)
    }
    const labelled = logged.filter(({ time }) => time < AUGUST)
    await labels.add(id, labelled.map(labelOf), 'key:test')
    return deployment
  }
  const labelOf = ({ instant, count }: BikeHour) => ({
    predictionId: `bike-${instant}`,
    value: count,
    at: new Date(),
  })
  const retrain = ({ name }: Pick<Deployment, 'name'>, dataUntil: number | null = null) =>
    harness.accept('retraining', name, { reason: 'it is time', dataUntil })
  const own = (run: Run, what: 'training' | 'rollout') =>
    harness.ports.runs.find(PROJECT, runOfRetraining({ runId: run.id, number: null }, what))
  const rolloutOf = (run: Run) =>
    eventually(async () => {
      const rollout = await own(run, 'rollout')
      if (rollout) return rollout
      throw new Error(`no rollout: ${JSON.stringify(await harness.row(run))}`)
    })
  /** As the rollout's workflow would leave its row. */
  async function ends(
    { id, attempt }: Run,
    rollout: 'promoted' | 'rolled_back',
    reason: string | null = null,
  ) {
    const { runs } = harness.ports
    await runs.update(id, writeSequence(attempt, 1), { status: 'running', stage: 'running' })
    const status = rollout === 'promoted' ? 'succeeded' : 'refused'
    const error = { code: 'rolled_back', message: reason ?? '', details: { assessments: [] } }
    await runs.update(id, writeSequence(attempt, 'closing'), {
      status,
      stage: status,
      result: { outcome: status, rollout, version: 1, reason },
      ...(status === 'refused' ? { error } : {}),
    })
  }
  const ended = async (run: Run) => {
    const row = await harness.ended(run)
    return { ...row, result: row.result as RetrainDeploymentResult }
  }

  it('builds a set, trains, rolls out by the policy, and does nothing twice', async () => {
    const bike = await deploy('bike')
    const run = await retrain(bike)
    expect(run.workflowId).toBe(`default/retraining/bike/${run.id}`)
    const rollout = await rolloutOf(run)
    expect(rollout).toMatchObject({
      name: 'bike',
      principal: `retraining:${run.id}`,
      trigger: 'retraining',
      request: { candidate: { version: 1 }, strategy: { kind: 'canary' }, force: null },
    })
    const handle = harness.client.workflow.getHandle(run.workflowId)
    await eventually(async () => {
      expect(await handle.query(liveQuery)).toMatchObject({ stage: 'roll_out', rollout: rollout.id })
    })
    expect(await harness.row(run)).toMatchObject({ status: 'running', stage: 'roll_out' })
    const web = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata')
    // All of July is labelled, as the prediction that follows shows.
    expect(web.currentDetails).toContain('| data until | 2011-08-01T00:00:00.000Z |')
    expect(web.currentDetails).toContain('| dataset | bike version 2: 4994 rows, 2208 predictions |')
    await ends(rollout, 'promoted')

    const row = await ended(run)
    const training = (await own(run, 'training'))!
    expect(row).toMatchObject({
      status: 'succeeded',
      error: null,
      result: {
        message: 'version 1 was rolled out',
        dataUntil: AUGUST,
        dataset: { name: 'bike', version: 2 },
        training: training.id,
        version: 1,
        rollout: rollout.id,
      },
    })
    expect((training.request as TrainingSpec).split).toMatchObject({
      holdout: { from: '2011-07-01', until: '2011-08-01' },
    })
    expect([...(await harness.steps(run)).keys()]).toEqual(['plan', 'set'])
    const edges: { edge: string }[] = await harness.database.dataSource.query(
      `SELECT relation || ' ' || node AS edge FROM lineage_edges WHERE run_id = $1 AND step = 'set' ORDER BY edge`,
      [run.id],
    )
    expect(edges.map(({ edge }) => edge)).toEqual([
      'read dataset:bike@1',
      'read model:bike@1',
      'read window:bike@2011-05-01T00:00:00.000Z..2011-08-01T00:00:00.000Z',
      'wrote dataset:bike@2',
      'wrote window:bike@2011-05-01T00:00:00.000Z..2011-08-01T00:00:00.000Z',
    ])
    const { message } = await harness.ports.datasets.version(PROJECT, 'bike', 2)
    expect(message).toContain(`Retraining ${run.id}: version 1 and 2208 labelled predictions`)
    await record(harness.client, run.workflowId, 'retrainDeployment.promoted')

    const again = await retrain(bike)
    expect(await ended(again)).toMatchObject({
      status: 'succeeded',
      result: { skipped: 'no_new_data', message: expect.stringContaining(training.id) },
    })
    expect(await own(again, 'training')).toBeNull()
    await record(harness.client, again.workflowId, 'retrainDeployment.skipped')

    // A corrected label is something new.
    await harness.ports.labels.add(bike.id, [{ ...labelOf(hours[0]!), value: 1 }], 'key:test')
    const corrected = await retrain(bike)
    await ends(await rolloutOf(corrected), 'rolled_back', 'harm: 49.1 above 0')
    expect(await ended(corrected)).toMatchObject({
      status: 'refused',
      error: { code: 'rolled_back', message: 'harm: 49.1 above 0', details: { assessments: [] } },
      result: { version: 2, dataset: { version: 3 }, rollout: (await own(corrected, 'rollout'))!.id },
    })
    await record(harness.client, corrected.workflowId, 'retrainDeployment.rolled-back')
  })

  it('is refused with the evidence of the gate', async () => {
    const strict = await deploy('strict', policy(0.01))
    const run = await retrain(strict, Date.UTC(2011, 6, 1))
    expect(await ended(run)).toMatchObject({
      status: 'refused',
      error: { code: 'gate_refused', details: { gate: { passed: false }, training: expect.any(String) } },
      result: { dataUntil: Date.UTC(2011, 6, 1) },
    })
    expect(await own(run, 'rollout')).toBeNull()
    await record(harness.client, run.workflowId, 'retrainDeployment.refused')
  })

  it('is done by the pipeline of its policy, and does nothing twice', async () => {
    const runs = new PipelineRuns(harness)
    await runs.apply('retrain', RETRAIN)
    const bike = await deploy('piped', retrainingByPipeline())
    await serveVersion(harness, bike.id, BIKE_SIGNATURE)
    const run = await retrain(bike)
    const rollout = await rolloutOf(run)
    const pipeline = (await own(run, 'training'))!
    expect(pipeline).toMatchObject({
      kind: 'pipeline',
      name: 'retrain',
      status: 'succeeded',
      principal: `retraining:${run.id}`,
      trigger: 'retraining',
      request: {
        parameters: {
          dataset: expect.stringMatching(/^bike@\d+$/),
          model: 'piped',
          from: '2011-07-01',
          until: '2011-08-01',
        },
        retrains: { deployment: 'piped', model: 'piped', step: 'train' },
      },
    })
    const version = await harness.ports.models.version('default', 'piped', 1)
    expect(version.lineage).toMatchObject({ run: (await runs.step(pipeline, 'train'))!.child })
    expect(rollout).toMatchObject({ request: { candidate: { version: 1 } } })
    await ends(rollout, 'promoted')
    const row = await ended(run)
    expect(row).toMatchObject({
      status: 'succeeded',
      result: { pipelineRun: pipeline.id, version: 1, rollout: rollout.id },
    })
    expect(row.result).not.toHaveProperty('training')
    await record(harness.client, run.workflowId, 'retrainDeployment.by-pipeline')

    expect(await ended(await retrain(bike))).toMatchObject({
      status: 'succeeded',
      result: {
        skipped: 'no_new_data',
        message: expect.stringContaining(`since pipeline run ${pipeline.id}`),
      },
    })
    // Another definition would do something else with the same rows.
    await runs.apply('retrain', { ...RETRAIN, description: 'as before' })
    await harness.ports.deployments.setRetraining(bike.id, retrainingByPipeline(0.01))
    const strict = await retrain(bike)
    expect(await ended(strict)).toMatchObject({
      status: 'refused',
      error: { code: 'gate_refused', details: { pipelineRun: expect.any(String) } },
    })
    expect(await own(strict, 'rollout')).toBeNull()
  })

  it('says so where the pipeline of its policy cannot be run, or gives no version', async () => {
    const runs = new PipelineRuns(harness)
    const bike = await deploy('left-out', {
      ...retrainingByPipeline(),
      pipeline: { name: 'by-branch', parameters: { dataset: '${{ retraining.dataset }}' } },
    })
    expect(await ended(await retrain(bike))).toMatchObject({
      status: 'failed',
      error: { code: 'wrong_state', message: expect.stringContaining('No version of deployment "left-out"') },
    })
    await serveVersion(harness, bike.id, BIKE_SIGNATURE)
    expect(await ended(await retrain(bike))).toMatchObject({
      status: 'failed',
      error: { code: 'not_found', message: expect.stringContaining('"by-branch"') },
    })
    const { data, train } = RETRAIN.steps
    const which = { uses: 'branch', with: { value: 1, cases: [{ case: 'no', above: 1 }] } }
    const training = { ...train.with.training, split: { ...train.with.training.split } }
    await runs.apply('by-branch', {
      parameters: { dataset: { type: 'string' }, from: '2011-07-01', until: '2011-08-01', worst: 1 },
      steps: {
        data,
        which,
        train: { ...train, when: { which: 'no' }, with: { ...train.with, model: 'left-out', training } },
      },
    })
    const run = await retrain(bike)
    expect(await ended(run)).toMatchObject({
      status: 'failed',
      error: {
        code: 'wrong_state',
        message: expect.stringContaining('The step that gives the version was left out'),
      },
      result: { pipelineRun: expect.any(String) },
    })
  })

  it('does nothing without labelled predictions, and leaves an open incident to itself', async () => {
    const bare = await deploy('bare', policy(), [])
    expect(await ended(await retrain(bare))).toMatchObject({
      status: 'succeeded',
      result: { skipped: 'no_new_data', message: 'deployment "bare" has no labelled predictions' },
    })
    const early = await deploy('early')
    expect(await ended(await retrain(early, Date.UTC(2011, 4, 1)))).toMatchObject({
      status: 'succeeded',
      result: { skipped: 'no_new_data', message: 'no labelled predictions since dataset bike version 1' },
    })
    for (const assessment of months('2011-05', ['breached', 'breached'])) {
      await recordWindow(harness.database.dataSource, early, assessment)
    }
    const run = await retrain(early)
    expect(await ended(run)).toMatchObject({
      status: 'succeeded',
      result: {
        skipped: 'incident_open',
        message: expect.stringMatching(/^incident .* retrains by itself$/),
      },
    })
    expect([...(await harness.steps(run)).keys()]).toEqual(['plan'])
  })

  it("waits for somebody else's rollout; cancelled or terminated it leaves its runs, and goes on when retried", async () => {
    const busy = await deploy('busy')
    const human = await harness.accept('rollout', 'busy', {})
    const run = await retrain(busy)
    const handle = harness.client.workflow.getHandle(run.workflowId)
    const waits = () =>
      eventually(async () => {
        expect(await handle.query(liveQuery)).toMatchObject({ stage: 'roll_out', waitingFor: human.id })
      })
    await waits()
    await handle.cancel()
    expect(await ended(run)).toMatchObject({ status: 'cancelled' })
    await record(harness.client, run.workflowId, 'retrainDeployment.cancelled')
    const training = await own(run, 'training')
    expect(training).toMatchObject({ status: 'succeeded' })

    await harness.ports.runs.retry(PROJECT, run.id)
    await waits()
    await handle.terminate('by hand')
    // As reconcile closes it, which would lose the rollout that no workflow has.
    const closed = { status: 'terminated', stage: 'terminated' } as const
    await harness.ports.runs.update(run.id, writeSequence(2, 'closing'), closed)

    await harness.ports.runs.retry(PROJECT, run.id)
    await waits()
    expect(await harness.row(human)).toMatchObject({ status: 'accepted' })
    await ends(human, 'promoted')
    await ends(await rolloutOf(run), 'promoted')
    expect(await ended({ ...run, attempt: 3 })).toMatchObject({
      status: 'succeeded',
      result: { training: training!.id },
    })
    const { items } = await harness.ports.runs.list(PROJECT, { kind: 'training', name: 'busy' })
    expect(items).toHaveLength(1)
    await record(harness.client, run.workflowId, 'retrainDeployment.retried')
  })

  it('waits no longer than the policy says', async () => {
    await deploy('short')
    const human = await harness.accept('rollout', 'short', {})
    const request = { reason: 'it is time', dataUntil: null }
    const run = await harness.accept('retraining', 'short', request, { startedByCaller: true })
    // As a history that was cut hands it on.
    const { type, input, options } = harness.optionsOf(run)
    await harness.client.workflow.start(type, { ...options, args: [{ ...input, waitingSince: 0 }] })
    expect(await ended(run)).toMatchObject({
      status: 'failed',
      error: {
        code: 'rollout_in_progress',
        message: expect.stringContaining('has not ended for 24 hours'),
        details: { rolloutId: human.id, version: 1 },
      },
      // What it has reached is seen.
      result: { dataset: { name: 'bike' }, training: expect.any(String), version: 1 },
    })
    expect(await own(run, 'rollout')).toBeNull()
    await record(harness.client, run.workflowId, 'retrainDeployment.failed')
  })

  it('is what a tick of a schedule runs, once', async () => {
    const bike = await deploy('weekly')
    await harness.ports.schedules.create({
      project: PROJECT,
      name: 'weekly',
      kind: 'retraining',
      training: null,
      deployment: bike.name,
      pipeline: null,
      timing: { cron: '0 3 * * 1' },
      paused: false,
      note: null,
      principal: 'key:test',
    })
    const workflowId = `${PROJECT}/schedule/weekly/2026-03-02T03:00:00Z`
    const tick = () =>
      harness.client.workflow.start('scheduledRetraining', {
        workflowId,
        taskQueue: QUEUES.workflows,
        args: [{ project: PROJECT, schedule: 'weekly' }],
      })
    const first = await tick()
    const id = derivedId(PROJECT, workflowId)
    const run = await eventually(() => harness.row({ id }))
    expect(run).toMatchObject({ kind: 'retraining', principal: 'schedule:weekly', trigger: 'schedule' })
    await ends(await rolloutOf(run), 'promoted')
    const result: unknown = await first.result()
    expect(result).toMatchObject({ outcome: 'succeeded', version: 1 })
    await record(harness.client, workflowId, 'scheduledRetraining.succeeded')
    // As by a backfill of what has run.
    expect(await (await tick()).result()).toEqual(result)
    await record(harness.client, workflowId, 'scheduledRetraining.known')
    expect(
      (await harness.ports.runs.list(PROJECT, { kind: 'retraining', name: 'weekly' })).items,
    ).toHaveLength(1)
  })

  it('says what keeps it from retraining', async () => {
    await harness.ports.deployments.create(PROJECT, 'no-policy', 'bike', 'key:test')
    expect(await ended(await retrain({ name: 'no-policy' }))).toMatchObject({
      status: 'failed',
      error: {
        code: 'wrong_state',
        message: expect.stringContaining('PUT /v1/deployments/no-policy/retraining'),
      },
    })
    const broken = await deploy('broken')
    const run = await retrain(broken)
    const training = await eventually(async () => {
      const found = await own(run, 'training')
      expect(found?.status).toBe('running')
      return found!
    })
    await harness.client.workflow.getHandle(training.workflowId).cancel()
    expect(await ended(run)).toMatchObject({
      status: 'failed',
      error: {
        code: 'wrong_state',
        message: expect.stringContaining(`POST /v1/trainings/${training.id}/retry`),
        details: { cause: 'cancelled', training: training.id },
      },
    })
    await harness.ports.runs.retry(PROJECT, training.id)
    await harness.ports.runs.retry(PROJECT, run.id)
    await ends(await rolloutOf(run), 'promoted')
    expect(await ended({ ...run, attempt: 2 })).toMatchObject({ status: 'succeeded' })
  })
})
