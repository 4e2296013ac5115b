import type { Arm, Deployment } from '../../../contracts/rest/deployments.js'
import type { ModelVersion } from '../../../contracts/rest/models.js'
import type { Rollout, RolloutDryRun, StartRollout } from '../../../contracts/rest/rollouts.js'
import { bikeTable } from '../bike.js'
import { Replay } from '../replay.js'
import { chapter, expectThat, say, sayChanges, type Story } from '../story.js'

/** A deployment of this telling: it begins without traffic. */
const deploymentOf = ({ session }: Story) => `bike-${session.slice(-6)}`

/** The registered version answers, behind a routing plan that every replica has confirmed. */
export async function serving(story: Story, version: ModelVersion): Promise<Replay> {
  const { rest } = story
  chapter('6. Serve: the first version of a deployment')
  const name = deploymentOf(story)
  const { plan: known } = await rest.post<Deployment>('/v1/deployments', { name, model: version.model })
  const body: StartRollout = { version: version.version, reason: 'first version of the demo' }
  // A telling that goes on has traffic already.
  if (known === null) {
    const dry = await rest.post<RolloutDryRun>(`/v1/deployments/${name}/rollouts/dry-run`, body)
    for (const line of dry.lines) say(`  ${line}`)
  }

  const rollout = await followRollout(story, (await startRollout(story, name, 'first', body)).id)
  expectThat(rollout.outcome === 'promoted', `the first version is promoted (${rollout.error?.message})`)
  const { plan, replicas } = await rest.get<Deployment>(`/v1/deployments/${name}`)
  say(`Plan ${plan?.revision}: ${arms(plan?.arms ?? [])}; answered by ${replicas.length} replica(s).`)

  const replay = new Replay(story, name, await bikeTable())
  replay.startAt('2011-11')
  const [answer] = await replay.send(1, '2012-01-01')
  const [first] = answer!.predictions
  say(`1 November 2011, midnight: ${first!.value.toFixed(1)} bikes, says version ${first!.version}.`)
  expectThat(first!.version === version.version, 'the first version answers')
  story.summary.push(['deployment', `${name}: version ${version.version} answers`])
  return replay
}

export async function startRollout(
  story: Story,
  deployment: string,
  name: string,
  body: StartRollout,
): Promise<Rollout> {
  const idempotencyKey = `demo-${story.session}-rollout-${name}`
  return story.rest.post<Rollout>(`/v1/deployments/${deployment}/rollouts`, body, { idempotencyKey })
}

export async function followRollout(story: Story, id: string): Promise<Rollout> {
  const show = sayChanges()
  return story.rest.follow<Rollout>(`/v1/rollouts/${id}`, run => {
    const [newest] = run.traffic
    if (newest) show(`  plan ${newest.revision}: ${arms(newest.arms)}`)
  })
}

export function arms(all: readonly Arm[]): string {
  return all
    .map(({ version, role, weight, sample }) =>
      role === 'shadow'
        ? `version ${version} scores copies of ${sample} %`
        : `version ${version} ${weight} %`,
    )
    .join(', ')
}
