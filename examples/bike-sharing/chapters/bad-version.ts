import { setTimeout as wait } from 'node:timers/promises'
import type { Page } from '../../../contracts/rest/common.js'
import type { Deployment } from '../../../contracts/rest/deployments.js'
import type { ModelVersion } from '../../../contracts/rest/models.js'
import type { Rollout, RolloutDecision } from '../../../contracts/rest/rollouts.js'
import { TRAINING } from '../bike.js'
import { canaryBegins } from '../canary.js'
import type { Replay } from '../replay.js'
import { chapter, expectThat, say, sayChanges, type Story } from '../story.js'
import { arms, startRollout } from './serving.js'

/** Hours that are sent before the evidence is looked at again. */
const CHUNK = 48

/** The version must be gone before this many hours have been asked for. */
const MOST_ROWS = 600

const END = '2012-01-01'

/**
 * November and December 2011 are replayed. A version that the gate has refused is forced into a canary
 * meanwhile, and is taken back by the evidence.
 * @param refused id of the training whose model the gate refused
 */
export async function badVersion(story: Story, replay: Replay, refused: string): Promise<void> {
  const { rest } = story
  chapter('7. A bad version: forced in, taken back by the evidence')
  const rollout = await startRollout(story, replay.deployment, 'bad', {
    training: refused,
    force: { reason: 'the demo wants to see it fail' },
    strategy: {
      kind: 'canary',
      stops: [
        { percent: 10, minRows: 40 },
        { percent: 50, minRows: 100 },
      ],
      mirrorPercent: 100,
    },
    reason: 'a negative control in production',
  })
  say(`Rollout ${rollout.id}; Temporal Web: ${(await webUrl(story, rollout.id)) ?? 'not yet'}`)
  const show = sayChanges()
  await canaryBegins(story, `/v1/rollouts/${rollout.id}`, ({ traffic: [newest] }) => {
    if (newest) show(`  plan ${newest.revision}: ${arms(newest.arms)}`)
  })
  const before = replay.rows
  let ended = await rest.get<Rollout>(`/v1/rollouts/${rollout.id}`)
  while (ended.status === 'running' && replay.isBefore(END)) {
    await replay.send(CHUNK, END)
    await replay.settle()
    ended = await looked(story, rollout.id)
    show(`  after ${replay.rows - before} hours: ${ended.live?.waitingFor ?? ended.outcome ?? ended.stage}`)
  }
  const rows = replay.rows - before
  expectThat(ended.outcome === 'rolled_back', `the bad version is rolled back (${ended.outcome})`)
  expectThat(rows < MOST_ROWS, `it is gone before hour ${MOST_ROWS} (${rows})`)
  say(`Rolled back after ${rows} hours: ${ended.error?.message}`)
  const { items } = await rest.get<Page<RolloutDecision>>(`/v1/rollouts/${rollout.id}/decisions?limit=200`)
  for (const { number, message } of items.toReversed()) say(`  ${number}. ${message}`)
  const forced = await rest.get<ModelVersion>(`/v1/models/${TRAINING.model}/versions/${ended.version}`)
  say(
    `Version ${forced.version} stays, with its story: ${JSON.stringify((forced.lineage as { forced: unknown }).forced)}`,
  )

  await replay.send(Infinity, END)
  await replay.settle()
  const { plan, predictions, labels } = await rest.get<Deployment>(`/v1/deployments/${replay.deployment}`)
  say(
    `The rest of 2011 is answered by ${arms(plan!.arms)}: ${predictions.rows} scored rows, ${labels.labels} labels.`,
  )
  story.summary.push(['bad version', `forced, rolled back after ${rows} hours of traffic`])
}

/** The rollout once it has looked at what has been ingested, or has ended. */
async function looked({ rest }: Story, id: string): Promise<Rollout> {
  const before = await rest.get<Rollout>(`/v1/rollouts/${id}`)
  for (let look = 0; look < 10; look++) {
    await wait(250)
    const run = await rest.get<Rollout>(`/v1/rollouts/${id}`)
    if (run.status !== 'running' || run.live?.waitingFor !== before.live?.waitingFor) return run
  }
  return rest.get<Rollout>(`/v1/rollouts/${id}`)
}

async function webUrl({ rest }: Story, id: string): Promise<string | null> {
  return (await rest.get<Rollout>(`/v1/rollouts/${id}`)).workflow.webUrl
}
