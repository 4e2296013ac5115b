import type { StartTraining, Training } from '../../contracts/rest/trainings.js'
import { TRAINING } from './bike.js'
import { sayChanges, type Story } from './story.js'

export async function start(
  story: Story,
  name: string,
  changes: Partial<StartTraining> = {},
): Promise<Training> {
  const idempotencyKey = `demo-${story.session}-${name}`
  const { rest, code } = story
  const body = { ...TRAINING, ...(code && { code }), ...changes }
  return rest.post<Training>('/v1/trainings', body, { idempotencyKey })
}

export async function follow(
  story: Story,
  id: string,
  seen: (run: Training) => void | Promise<void> = () => undefined,
): Promise<Training> {
  const show = sayChanges()
  return story.rest.follow<Training>(`/v1/trainings/${id}`, async run => {
    const round = run.live?.round
    const newest = run.checkpoints[0]?.round
    const rounds =
      round === undefined ? '' : `, round ${Math.floor(round / 250) * 250}+ of ${run.live?.rounds}`
    if (run.status === 'running') {
      show(
        `  ${run.stage}${run.stage === 'train' ? rounds : ''}${newest ? `, durable checkpoint at ${newest}` : ''}`,
      )
    }
    await seen(run)
  })
}
