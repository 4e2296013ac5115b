import { randomUUID } from 'node:crypto'
import { WorkflowUpdateFailedError } from '@temporalio/client'
import { defaultPayloadConverter } from '@temporalio/common'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { liveQuery } from '../../contracts/temporal/messages.js'
import { type RolloutResult, rolloutVerb } from '../../contracts/temporal/rollouts.js'
import type { PredictionRecord } from '../../domain/serving/prediction-record.js'
import type { RolloutSpec } from '../../domain/rollouts/spec.js'
import type { Strategy } from '../../domain/rollouts/strategy.js'
import type { Verb } from '../../domain/rollouts/verbs.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { planTopic, RunWakes } from '../../stores/redis/wake.js'
import { encodeRecord } from '../../stores/segments/segment-codec.js'
import { bikeCsv, bikeTraining } from '../support/bike-data.js'
import { eventually } from '../support/eventually.js'
import { Harness, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'
import { ReportingReplica } from '../support/replica.js'

const CANARY: Strategy = { kind: 'canary', stops: [{ percent: 50, minRows: 40 }], mirror: 100 }
/** Each step of a rollout takes a few looks, and looking at rows starts databases. */
const LOOK = { MLFORGE_ROLLOUTS_LOOK_EVERY_SECONDS: '0.1' }

describe('rollOut', () => {
  let harness: Harness
  let replica: ReportingReplica
  let deployment: string
  let refused: Run
  let sequence = 0
  let segment = 0

  beforeAll(async () => {
    harness = await Harness.start({ env: LOOK, ingest: true })
    const columns = { dteday: { format: '%m/%d/%Y' } }
    await harness.ended(await harness.commit('bike', bikeCsv(4), { columns }))
    for (const seed of [1, 2]) {
      const parameters = { ...bikeTraining().parameters, seed }
      await harness.ended(await harness.train(bikeTraining({ parameters, gate: { maxRmseOfChampion: 2 } })))
    }
    const features = bikeTraining().features.filter(name => name !== 'windspeed')
    await harness.ended(await harness.train(bikeTraining({ features, gate: { maxRmseOfChampion: 2 } })))
    refused = await harness.train(bikeTraining({ control: { permuteTarget: { seed: 7 } } }))
    await harness.ended(refused)
    deployment = (await harness.ports.deployments.create(PROJECT, 'bikes', 'bike', 'key:test')).id
    replica = new ReportingReplica(harness.ports.deployments, PROJECT)
  })
  afterAll(async () => {
    await replica?.stop()
    await harness.stop()
  })

  const start = (
    candidate: RolloutSpec['candidate'],
    strategy: Strategy = CANARY,
    force: RolloutSpec['force'] = null,
  ) =>
    harness.accept('rollout', 'bikes', {
      deployment: 'bikes',
      model: 'bike',
      candidate,
      strategy,
      force,
      reason: 'test',
    } satisfies RolloutSpec)
  const verb = (run: Run, kind: Verb['kind'], id: string = randomUUID(), rolloutId = run.id) =>
    harness.client.workflow.getHandle(run.workflowId).executeUpdate(rolloutVerb, {
      args: [{ kind, rolloutId, by: 'key:test', role: 'admin' } as Verb],
      updateId: id,
    })
  const refusal = async (asked: Promise<unknown>) => {
    const error = await asked.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(WorkflowUpdateFailedError)
    return (error as WorkflowUpdateFailedError).cause
  }
  const plan = async () => (await harness.ports.deployments.plan(deployment))!
  const arms = async () =>
    (await plan()).plan.arms.map(({ version, role, weight }) => [version, role, weight])
  const reached = (arm: readonly unknown[]) =>
    eventually(async () => expect(await arms()).toContainEqual(arm))
  const activities = async ({ workflowId }: Run, type: string) => {
    const { events } = await harness.client.workflow.getHandle(workflowId).fetchHistory()
    return (events ?? []).filter(
      event => event.activityTaskScheduledEventAttributes?.activityType?.name === type,
    )
  }
  const looks = (run: Run) => activities(run, 'lookAtRollout')
  /** What its waits say that they wait for. */
  const waits = async (run: Run) =>
    (await activities(run, 'awaitRolloutChange')).map(({ userMetadata }) =>
      defaultPayloadConverter.fromPayload<string>(userMetadata!.summary!),
    )
  const decisions = async (run: Run) =>
    (await harness.ports.rollouts.decisions(run.id, { limit: 200 })).items
      .toReversed()
      .map(({ entry }) => entry)
  const until = (run: Run, stage: string) =>
    harness.until(run, row => expect([row.stage, row.error]).toEqual([stage, null]))

  /** Labelled rows as replicas would have logged them: answers of both arms and the candidate's copies. */
  async function serve(count: number, errors: Readonly<Record<number, number>>): Promise<void> {
    const { revision, plan: inForce } = await plan()
    const shadow = inForce.arms.find(arm => arm.role === 'shadow')
    const split = inForce.arms.filter(arm => arm.weight > 0)
    const records: PredictionRecord[] = []
    const labels = []
    for (let row = 0; row < count; row++) {
      const id = `row-${++sequence}`
      const label = 100 + ((sequence * 37) % 101)
      const noise = ((sequence * 53) % 11) - 5
      const arm = split[row % split.length]!
      const scored = [arm, ...(shadow && shadow.version !== arm.version ? [shadow] : [])]
      for (const { version, role } of scored) {
        records.push({
          sequence: ++sequence,
          deployment: 'bikes',
          id,
          version,
          role,
          revision,
          key: id,
          eventTime: Date.UTC(2011, 4, 1) + sequence * 1000,
          at: Date.now(),
          features: { hr: row % 24 },
          output: label + noise + (errors[version] ?? 0) * (row % 2 === 0 ? 1 : -1),
        })
      }
      labels.push({ predictionId: id, value: label, at: new Date() })
    }
    const bytes = Buffer.concat(records.map(encodeRecord))
    const { uri, sha256 } = await harness.ports.objects.write(PROJECT, bytes)
    await harness.ports.labels.add(deployment, labels, 'key:test')
    await harness.ports.predictions.addSegment({
      project: PROJECT,
      replica: replica.id,
      segment: ++segment,
      uri,
      sha256,
      bytes: String(bytes.length),
      records: records.length,
      firstSequence: String(records[0]!.sequence),
      lastSequence: String(records.at(-1)!.sequence),
      gaps: [],
      sealedAt: new Date(),
    })
  }

  it('brings the first version to all traffic after its preflight, and says what it skipped', async () => {
    const wakes = new RunWakes(harness.config.redis.url, harness.logger)
    let subscribed = 0
    let plans = 0
    wakes.subscribe('roll-out.test', () => subscribed++)
    wakes.subscribe(planTopic(PROJECT), () => plans++)
    await eventually(() => {
      wakes.publish('roll-out.test')
      expect(subscribed).toBeGreaterThan(0)
    })
    const run = await start({ version: 1 })
    const row = await harness.ended(run)
    await eventually(() => expect(plans).toBeGreaterThan(0))
    wakes.close()
    expect(row).toMatchObject({
      status: 'succeeded',
      stage: 'succeeded',
      result: { outcome: 'succeeded', rollout: 'promoted', version: 1 },
      warnings: [expect.stringContaining('there is nothing to compare with')],
    })
    expect(await arms()).toEqual([[1, 'stable', 100]])
    expect((await plan()).versions).toMatchObject([
      { version: 1, onnx: { sha256: expect.any(String) }, signature: { target: 'cnt' } },
    ])
    expect((await harness.ports.models.aliased(PROJECT, 'bike', 'champion'))?.version).toBe(1)
    const log = (await decisions(run)).map(({ message }) => message)
    expect(log).toEqual([
      'initial begins',
      'preflight passed',
      expect.stringContaining('in force'),
      expect.stringContaining('becomes champion'),
      'version 1 is champion',
    ])
    await record(harness.client, run.workflowId, 'rollOut.promoted-first')
  })

  it('promotes a candidate whose rows show no harm, step by step', async () => {
    const run = await start({ version: 2 })
    await reached([2, 'candidate', 50])
    await expect(start({ version: 2 })).rejects.toMatchObject({
      code: 'rollout_in_progress',
      details: { rolloutId: run.id },
    })
    await serve(400, { 1: 20, 2: 2 })
    const row = await harness.ended(run)
    expect(row).toMatchObject({ status: 'succeeded', result: { rollout: 'promoted', version: 2 } })
    expect(await arms()).toEqual([[2, 'stable', 100]])
    expect((await harness.ports.models.aliased(PROJECT, 'bike', 'champion'))?.version).toBe(2)
    const passed = (await decisions(run)).find(({ verdict }) => verdict === 'pass')!
    expect(passed.assessments.map(({ gate, verdict }) => [gate.kind, verdict])).toEqual([
      ['error', 'pass'],
      ['rank', 'pass'],
    ])
    expect(passed.assessments[0]!.sampleSizes).toEqual({ stable: 200, candidate: 200 })
    expect(passed.rows.split).toMatch(/^[0-9a-f]{64}$/)
    await record(harness.client, run.workflowId, 'rollOut.promoted')
  })

  it('registers what an admin forces, and takes it back when it does harm', async () => {
    const run = await start({ training: refused.id }, CANARY, { reason: 'to see it fail' })
    await reached([4, 'candidate', 50])
    const version = await harness.ports.models.version(PROJECT, 'bike', 4)
    expect(version.lineage).toMatchObject({
      forced: { by: 'key:test', reason: 'to see it fail', rolloutId: run.id },
      run: refused.id,
    })
    await serve(200, { 2: 2, 4: 90 })
    const row = await harness.ended(run)
    expect(row).toMatchObject({
      status: 'refused',
      error: { code: 'rolled_back', message: expect.stringContaining('above 0') },
      result: { rollout: 'rolled_back', version: 4 },
    })
    expect(await arms()).toEqual([[2, 'stable', 100]])
    expect((await harness.ports.models.aliased(PROJECT, 'bike', 'champion'))?.version).toBe(2)
    await record(harness.client, run.workflowId, 'rollOut.rolled-back')
  })

  it('does not begin with a version that callers could not use', async () => {
    const row = await harness.ended(await start({ version: 3 }))
    expect(row).toMatchObject({
      status: 'refused',
      error: { code: 'preflight_failed', message: expect.stringContaining('windspeed') },
    })
    expect(await arms()).toEqual([[2, 'stable', 100]])
  })

  it('takes verbs once, refuses others with the reason, and ends where it began when aborted', async () => {
    const run = await start({ version: 1 })
    await until(run, 'running')
    await reached([1, 'candidate', 50])
    const id = randomUUID()
    expect(await verb(run, 'pause', id)).toMatchObject({ status: 'paused' })
    expect(await verb(run, 'pause', id)).toMatchObject({ status: 'paused' })
    expect(await refusal(verb(run, 'pause'))).toMatchObject({ type: 'wrong_state' })
    expect(await refusal(verb(run, 'abort', randomUUID(), randomUUID()))).toMatchObject({
      type: 'wrong_state',
      message: expect.stringContaining(run.id),
    })
    await until(run, 'paused')
    const live = await harness.client.workflow.getHandle(run.workflowId).query(liveQuery)
    expect(live).toMatchObject({ stage: 'paused', waitingFor: 'resume', candidate: 1, stable: 2 })
    await eventually(async () => expect(await waits(run)).toContain('resume'))
    // It waits for a change, however often the activity has to see whether there is one; that the plan of 50 %
    // was confirmed may be one that comes after the pause.
    await eventually(async () => {
      const before = (await looks(run)).length
      const seen = jest.spyOn(harness.ports.deployments, 'replicas')
      await eventually(() => expect(seen.mock.calls.length).toBeGreaterThan(5))
      seen.mockRestore()
      expect(await looks(run)).toHaveLength(before)
    })
    const aborting = await verb(run, 'abort', 'last')
    expect(aborting).toMatchObject({ status: 'aborting' })
    const row = await harness.ended(run)
    expect(row).toMatchObject({ status: 'refused', result: { rollout: 'aborted' } })
    // Who has not heard the answer asks when the workflow is over.
    expect((row.result as unknown as RolloutResult).verbs).toContainEqual(['last', aborting])
    expect(await arms()).toEqual([[2, 'stable', 100]])
    await record(harness.client, run.workflowId, 'rollOut.aborted')
  })

  it('holds at its deadline without a verdict; a cancel takes the traffic back', async () => {
    const stops = [{ percent: 10, minRows: 40, deadlineSeconds: 0.3 }]
    const run = await start({ version: 1 }, { kind: 'canary', stops, mirror: 0 })
    await until(run, 'held')
    const resumed = await verb(run, 'resume', 'resumed')
    await until(run, 'held')
    expect(await arms()).toEqual([
      [2, 'stable', 90],
      [1, 'candidate', 10],
    ])
    await harness.client.workflow.getHandle(run.workflowId).cancel()
    expect(await harness.ended(run)).toMatchObject({
      status: 'cancelled',
      result: { verbs: [['resumed', resumed]] },
    })
    expect(await arms()).toEqual([[2, 'stable', 100]])
    await record(harness.client, run.workflowId, 'rollOut.cancelled')
  })

  it('leaves no traffic with the candidate of a rollout that was terminated', async () => {
    const run = await start({ version: 1 })
    await reached([1, 'candidate', 50])
    await harness.client.workflow.getHandle(run.workflowId).terminate('gone')
    await eventually(async () => {
      await harness.tick('reconcile')
      expect((await harness.row(run)).status).toBe('terminated')
    })
    expect(await arms()).toEqual([[2, 'stable', 100]])
  })
})
