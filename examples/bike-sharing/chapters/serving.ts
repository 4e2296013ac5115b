import type { Arm, Deployment } from '../../../contracts/rest/deployments.js'
import type { ModelVersion } from '../../../contracts/rest/models.js'
import type { PipelineRun } from '../../../contracts/rest/pipeline-runs.js'
import type { Rollout, StartRollout } from '../../../contracts/rest/rollouts.js'
import { bikeTable } from '../bike.js'
import { Replay } from '../replay.js'
import { chapter, expectThat, say, sayChanges, type Story } from '../story.js'
import { deploymentOf, type Release, step } from './release.js'

/** The registered version answers, behind a routing plan that every replica has confirmed. */
export async function serving(story: Story, version: ModelVersion, run: Release): Promise<Replay> {
  const { rest } = story
  chapter('6. Serve: the pipeline has rolled its version out')
  const name = deploymentOf(story)
  const { child } = await step(story, run.id, 'serve', ({ child }) => child !== null)
  const rollout = await followRollout(story, child!)
  expectThat(rollout.outcome === 'promoted', `the first version is promoted (${rollout.error?.message})`)
  const done = await rest.follow<PipelineRun>(`/v1/pipeline-runs/${run.id}`)
  expectThat(done.status === 'succeeded', `the pipeline succeeds (${done.error?.message})`)
  for (const { name: step, state, note } of done.steps)
    say(`  ${step.padEnd(9)} ${state}${note === null ? '' : `: ${note}`}`)
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
