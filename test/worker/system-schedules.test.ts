import { ScheduleOverlapPolicy } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { WORKFLOWS } from '../../contracts/temporal/messages.js'
import { ensureSystemSchedules } from '../../worker/system-schedules.js'
import { Harness, PROJECT } from '../support/harness.js'

describe('the schedules of the system', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await Harness.start({ queues: [], relay: false })
  })
  afterAll(() => harness.stop())

  const described = (type: string) =>
    harness.client.schedule.getHandle(`${PROJECT}/system/${type}`).describe()

  it('say what happens to ticks that overlap, were missed or fail', async () => {
    await ensureSystemSchedules(harness.client, harness.config)
    for (const [type, seconds] of [
      [WORKFLOWS.reconcile, harness.config.reconcile.intervalSeconds],
      [WORKFLOWS.superviseRetries, harness.config.retries.intervalSeconds],
      [WORKFLOWS.superviseWindows, harness.config.monitoring.intervalSeconds],
      [WORKFLOWS.followAliases, harness.config.rollouts.followEverySeconds],
      [WORKFLOWS.superviseLabels, harness.config.labels.intervalSeconds],
      [WORKFLOWS.compactPredictions, harness.config.compaction.intervalSeconds],
    ] as const) {
      const { policies, spec, action, state } = await described(type)
      expect(policies).toEqual({
        overlap: ScheduleOverlapPolicy.SKIP,
        catchupWindow: seconds * 1000,
        pauseOnFailure: false,
      })
      expect(spec.intervals).toMatchObject([{ every: seconds * 1000 }])
      expect([action.workflowType, state.paused]).toEqual([type, false])
    }
  })

  it('are made equal to the configuration, and stay paused where somebody has paused them', async () => {
    await harness.client.schedule.getHandle(`${PROJECT}/system/superviseWindows`).pause('not now')
    const monitoring = { intervalSeconds: 90 }
    await ensureSystemSchedules(harness.client, { ...harness.config, monitoring })
    const { spec, state } = await described(WORKFLOWS.superviseWindows)
    expect(spec.intervals).toMatchObject([{ every: 90_000 }])
    expect(state).toMatchObject({ paused: true, note: 'not now' })
  })

  it('are made anew where one does not answer any more', async () => {
    const scheduleId = `${PROJECT}/system/${WORKFLOWS.reconcile}`
    await harness.client.schedule.getHandle(scheduleId).delete()
    // Under its id a workflow that nobody works on, as good as one whose tasks fail for ever.
    await harness.client.workflow.start('stuck', {
      workflowId: `temporal-sys-scheduler:${scheduleId}`,
      taskQueue: 'nobody',
    })
    await ensureSystemSchedules(harness.client, harness.config)
    const { action } = await described(WORKFLOWS.reconcile)
    expect(action.workflowType).toBe(WORKFLOWS.reconcile)
  })
})
