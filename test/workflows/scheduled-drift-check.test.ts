import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { CheckedWindows, CheckTickResult, DueWindows } from '../../contracts/temporal/monitoring.js'
import { QUEUES } from '../../contracts/temporal/queues.js'
import type { MonitoringPolicy } from '../../domain/drift/monitoring-policy.js'
import type { Deployment } from '../../stores/postgres/entities/deployment.js'
import { bikeCsv } from '../support/bike-data.js'
import { type BikeHour, bikeHours, predictionOf } from '../support/bike-log.js'
import { Harness, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'
import { logPredictions } from '../support/prediction-log.js'
import { MONTHLY } from '../support/windows.js'

/** Weeks whose errors nobody minds, compared with the week before. */
const WEEKLY: MonitoringPolicy = {
  ...MONTHLY,
  window: { every: 'week' },
  minLabelled: 100,
  breach: { maxRelativeBias: 100, maxWape: 100 },
  reference: { kind: 'trailing', windows: 1 },
}

describe('scheduledDriftCheck', () => {
  let harness: Harness
  const hours = bikeHours(bikeCsv(6)).filter(({ time }) => time >= Date.UTC(2011, 4, 2))

  beforeAll(async () => {
    harness = await Harness.start({ env: { MLFORGE_ROLLOUTS_LOOK_EVERY_SECONDS: '0.2' } })
  })
  afterAll(() => harness.stop())

  async function deploy(name: string, policy: MonitoringPolicy, logged = hours): Promise<Deployment> {
    const { deployments, drift, schedules } = harness.ports
    const { id } = await deployments.create(PROJECT, name, name, 'key:test')
    await drift.setPolicy(id, policy)
    await schedules.create({
      project: PROJECT,
      name,
      kind: 'driftCheck',
      training: null,
      deployment: name,
      pipeline: null,
      timing: { everySeconds: 3600 },
      paused: false,
      note: null,
      principal: 'key:test',
    })
    const deployment = await deployments.get(PROJECT, name)
    await logs(deployment, logged)
    return deployment
  }
  async function logs(deployment: Deployment, logged: readonly BikeHour[]): Promise<void> {
    const records = logged.map(hour => predictionOf(hour, { deployment: deployment.name }))
    await logPredictions(harness.ports, harness.database.dataSource, deployment, records)
    const labels = logged.map(({ instant, count }) => ({
      predictionId: `bike-${instant}`,
      value: count,
      at: new Date(),
    }))
    await harness.ports.labels.add(deployment.id, labels, 'key:test')
  }
  const tick = async (schedule: string, at: string, carried?: CheckedWindows) => {
    const workflowId = `${PROJECT}/schedule/${schedule}/${at}`
    const handle = await harness.client.workflow.start('scheduledDriftCheck', {
      workflowId,
      taskQueue: QUEUES.workflows,
      args: [{ project: PROJECT, schedule, ...(carried ? { carried } : {}) }],
    })
    return { workflowId, result: handle.result() as Promise<CheckTickResult> }
  }
  const supervised = async () => (await harness.tick<DueWindows>('superviseWindows')).accepted
  const checksOf = async ({ name }: Deployment) =>
    (await harness.ports.runs.list(PROJECT, { kind: 'drift', name, limit: 200 })).items

  it('checks every window that was missed, once, and is the only one to do so while it is not paused', async () => {
    const bike = await deploy('bike', WEEKLY)
    expect(await supervised()).toEqual([])
    const first = await tick('bike', '1')
    expect(await first.result).toEqual({ deployment: 'bike', checked: 8 })
    await record(harness.client, first.workflowId, 'scheduledDriftCheck.succeeded')
    const { items } = await harness.ports.drift.windows(bike.id, {})
    expect(items.map(each => [each.windowId, each.revision])).toEqual(
      [25, 24, 23, 22, 21, 20, 19, 18].map(week => [`2011-W${week}`, 1]),
    )
    const checks = await checksOf(bike)
    expect(checks).toHaveLength(8)
    expect(checks[0]).toMatchObject({ principal: 'schedule:bike', trigger: 'schedule', status: 'succeeded' })
    expect((await harness.ports.drift.look(bike.id))!.pending).toMatchObject([
      { id: '2011-W26', state: 'open' },
    ])

    expect(await (await tick('bike', '2')).result).toEqual({ deployment: 'bike', checked: 0 })
    const [one] = hours
    await harness.ports.labels.add(
      bike.id,
      [{ predictionId: `bike-${one!.instant}`, value: 1, at: new Date() }],
      'key:test',
    )
    expect(await supervised()).toEqual([])
    await harness.ports.schedules.update(PROJECT, 'bike', { paused: true })
    expect(await supervised()).toEqual(['bike 2011-W18'])
    // What the other one has taken on is joined, not done again.
    const [joined] = await Promise.all([tick('bike', '3'), tick('bike', '4')])
    await joined.result
    expect(await checksOf(bike)).toHaveLength(9)
  })

  it('fails where a check fails, after the others, and starts that one again with the next tick', async () => {
    const pinned = await deploy(
      'pinned',
      { ...WEEKLY, reference: { kind: 'version', version: 9 } },
      hours.slice(0, 8 * 24),
    )
    const first = await tick('pinned', '1')
    await expect(first.result).rejects.toMatchObject({
      cause: { type: 'not_found', message: expect.stringContaining('1 of 1 checks of deployment "pinned"') },
    })
    await record(harness.client, first.workflowId, 'scheduledDriftCheck.failed')
    expect(await checksOf(pinned)).toMatchObject([{ status: 'failed', attempt: 1 }])
    await expect((await tick('pinned', '2')).result).rejects.toMatchObject({ cause: { type: 'not_found' } })
    expect(await checksOf(pinned)).toMatchObject([{ status: 'failed', attempt: 2 }])
    // As a history that was cut hands it on: windows up to that one are done.
    const failure = { code: 'label_invalid', message: 'the label is none' }
    const third = await tick('pinned', '3', { checked: 5, failed: 2, failure, after: hours.at(-1)!.time })
    await expect(third.result).rejects.toMatchObject({
      cause: {
        type: 'label_invalid',
        message: expect.stringMatching(/^2 of 5 checks .* the label is none$/),
      },
    })
  })

  it('says that nobody has said how to watch', async () => {
    const bare = await deploy('bare', WEEKLY, hours.slice(0, 1))
    await harness.ports.drift.setPolicy(bare.id, null as never)
    await expect((await tick('bare', '1')).result).rejects.toMatchObject({
      cause: { cause: { type: 'wrong_state' } },
    })
  })
})
