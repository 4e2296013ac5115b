import type { Rollout } from '../../contracts/rest/rollouts.js'
import type { Replay } from './replay.js'
import { type Story, until } from './story.js'

/** Hours that are sent before a canary looks at them. */
const CHUNK = 48

/**
 * Waits until the plan gives the candidate of a rollout its first keys, or the rollout has ended before it.
 * `seen` is called with each answer on the way.
 */
export async function canaryBegins(
  { rest }: Pick<Story, 'rest'>,
  href: string,
  seen: (run: Rollout) => void = () => undefined,
): Promise<void> {
  const get = async () => {
    const run = await rest.get<Rollout>(href)
    seen(run)
    return run
  }
  await until(get, run => hasBegun(run) || hasEnded(run), 'the canary gets its first rows')
}

function hasBegun({ traffic }: Rollout): boolean {
  return traffic.some(({ arms }) => arms.some(arm => arm.role === 'candidate' && arm.weight > 0))
}

function hasEnded({ status }: Rollout): boolean {
  return status !== 'accepted' && status !== 'running'
}

/**
 * Replays the hours before a day, some at a time, for as long as a rollout needs them; gives how it ended.
 * `seen` is called with the rollout each time that hours have been ingested.
 */
export async function canaryEnds(
  { rest }: Pick<Story, 'rest'>,
  replay: Replay,
  href: string,
  day: string,
  seen: (run: Rollout) => void = () => undefined,
): Promise<Rollout> {
  const get = () => rest.get<Rollout>(href)
  for (let run = await get(); !hasEnded(run) && replay.isBefore(day);) {
    await replay.send(CHUNK, day)
    await replay.settle()
    run = await get()
    seen(run)
  }
  return until(get, hasEnded, 'the canary comes to its end')
}
