import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Page } from '../../../contracts/rest/common.js'
import type { PipelineRun } from '../../../contracts/rest/pipeline-runs.js'
import type { Schedule, ScheduleTick } from '../../../contracts/rest/schedules.js'
import { chapter, expectThat, say, type Story } from '../story.js'

const NAME = 'bike-weekly'

/** A weekly training by a pipeline: triggered, triggered again for nothing, paused. */
export async function schedule(story: Story): Promise<void> {
  const { rest } = story
  chapter('4. Schedule: train every Monday at three, where there is something new')
  await rest.post(`/v1/schedules/${NAME}/resume`)
  const declared = await rest.get<Schedule>(`/v1/schedules/${NAME}`)
  say(`Schedule "${NAME}" (${declared.timing.cron}, ${declared.timing.timeZone}); next runs:`)
  for (const time of declared.nextRuns?.slice(0, 3) ?? []) say(`  ${time}`)
  expectThat((declared.nextRuns?.length ?? 0) > 0, 'the schedule has next runs')

  say('Triggered now, ahead of its time:')
  const { runId, outcome } = await trigger(story)
  const run = await rest.follow<PipelineRun>(`/v1/pipeline-runs/${runId}`)
  expectThat(run.status === 'succeeded', `the scheduled run succeeds (${run.error?.message})`)
  const { version } = run.steps.find(({ name }) => name === 'train')!.outputs as { version: number }
  // A telling that goes on, or another one on the same data, finds it done.
  say(
    `  ${outcome === 'run' ? '' : 'done before: '}version ${version} of "${NAME}", asked by ${run.principal}`,
  )
  const again = await trigger(story)
  expectThat(again.reason === 'no_new_data' && again.runId === runId, 'the same data is not trained on again')
  say(`Triggered again: skipped, ${again.reason}; run ${again.runId} has done it.`)

  await rest.post(`/v1/schedules/${NAME}/pause`, { note: 'the demo is over' })
  const paused = await rest.get<Schedule>(`/v1/schedules/${NAME}`)
  expectThat(paused.paused, 'the schedule is paused')
  say(`Paused ("${paused.note}"). In Temporal Web: ${paused.webUrl}`)
  story.summary.push(['schedule', `${NAME}: triggered twice, version ${version} once; paused`])
}

/** A tick that a trigger has made: the first that was not there before. */
async function trigger({ rest }: Story): Promise<ScheduleTick> {
  const newest = async () =>
    (await rest.get<Page<ScheduleTick>>(`/v1/schedules/${NAME}/ticks?limit=1`)).items[0]
  const before = (await newest())?.workflowId
  const end = Date.now() + 60_000
  for (let look = 0; ; look++, await wait(250)) {
    // Again after a while: a tick that comes while the last one ends is skipped.
    const idempotencyKey = `demo-trigger-${randomUUID()}`
    if (look % 20 === 0) await rest.post(`/v1/schedules/${NAME}/trigger`, undefined, { idempotencyKey })
    const tick = await newest()
    if (tick && tick.workflowId !== before) return tick
    expectThat(Date.now() < end, 'the schedule ticks within a minute')
  }
}
