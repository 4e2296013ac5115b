import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Page } from '../../../contracts/rest/common.js'
import type { CreateSchedule, Schedule } from '../../../contracts/rest/schedules.js'
import type { Training, TrainingSummary } from '../../../contracts/rest/trainings.js'
import { TRAINING } from '../bike.js'
import { Refused } from '../rest.js'
import { chapter, expectThat, say, type Story } from '../story.js'
import { follow } from './training.js'

const SCHEDULE = {
  name: 'bike-weekly',
  training: { ...TRAINING, model: 'bike-weekly', rounds: 500 },
  timing: { cron: '0 3 * * 1', timeZone: 'Europe/Berlin', overlap: 'skip', catchUpSeconds: 3_600 },
} satisfies CreateSchedule

/** A weekly retraining: created, triggered once, paused. */
export async function schedule(story: Story): Promise<void> {
  const { rest } = story
  chapter('4. Schedule: retrain every Monday at three')
  const created = await create(story)
  say(`Schedule "${created.name}" (${created.timing.cron}, ${created.timing.timeZone}); next runs:`)
  for (const time of created.nextRuns?.slice(0, 3) ?? []) say(`  ${time}`)
  expectThat((created.nextRuns?.length ?? 0) > 0, 'the schedule has next runs')

  const before = await newest(story)
  await rest.post(`/v1/schedules/${created.name}/resume`)
  // Of this telling: one that goes on after a kill triggers once more.
  const idempotencyKey = `demo-trigger-${randomUUID()}`
  await rest.post(`/v1/schedules/${created.name}/trigger`, undefined, { idempotencyKey })
  say('Triggered now, ahead of its time:')
  const run = await follow(story, (await after(story, before)).id)
  expectThat(run.status === 'succeeded', 'the scheduled training succeeds')
  say(`  version ${run.version} of "${run.model}", asked by ${run.principal}`)

  await rest.post(`/v1/schedules/${created.name}/pause`, { note: 'the demo is over' })
  const paused = await rest.get<Schedule>(`/v1/schedules/${created.name}`)
  expectThat(paused.paused, 'the schedule is paused')
  say(`Paused ("${paused.note}"). In Temporal Web: ${paused.webUrl}`)
  story.summary.push(['schedule', `${paused.name}: triggered once, version ${run.version}; paused`])
}

async function create({ rest }: Story): Promise<Schedule> {
  try {
    return await rest.post<Schedule>('/v1/schedules', SCHEDULE)
  } catch (error) {
    if (!(error instanceof Refused) || error.problem.code !== 'already_exists') throw error
    return rest.get<Schedule>(`/v1/schedules/${SCHEDULE.name}`)
  }
}

async function newest({ rest }: Story): Promise<string | undefined> {
  const page = await rest.get<Page<TrainingSummary>>(`/v1/trainings?model=${SCHEDULE.training.model}&limit=1`)
  return page.items[0]?.id
}

/** The training that a tick has started: the first that was not there before. */
async function after(story: Story, before: string | undefined): Promise<Pick<Training, 'id'>> {
  const end = Date.now() + 60_000
  for (;;) {
    const id = await newest(story)
    if (id !== undefined && id !== before) return { id }
    expectThat(Date.now() < end, 'the tick starts a training within a minute')
    await wait(250)
  }
}
