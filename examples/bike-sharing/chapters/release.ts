import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { readProject } from '../../../config/project-yaml.js'
import type { Deployment } from '../../../contracts/rest/deployments.js'
import type { PipelineRun, PipelineRunStep } from '../../../contracts/rest/pipeline-runs.js'
import type { Training } from '../../../contracts/rest/trainings.js'
import { applyPipelines, applySection } from '../../../sdk/apply.js'
import { TRAINING } from '../bike.js'
import { expectThat, kill, say, type Story, until } from '../story.js'
import { follow } from '../trainings.js'

const FILE = 'mlforge.yaml'
// Compiled code lies in dist/, the file beside the source.
const PATH = fileURLToPath(new URL(`../../../../examples/bike-sharing/${FILE}`, import.meta.url))

/** Share of the rounds after which a durable checkpoint lets the demo kill the worker. */
const KILL_AFTER = 0.25
const TAKES = 5

/** A deployment of this telling: it begins without traffic. */
export const deploymentOf = ({ session }: Pick<Story, 'session'>) => `bike-${session.slice(-6)}`

/** What mlforge.yaml declares becomes pipelines and schedules. */
export async function declare({ rest }: Story): Promise<void> {
  const text = await readFile(PATH, 'utf8')
  const project = readProject(text, FILE)
  if ('problems' in project)
    throw new Error(project.problems.map(({ at, message }) => `${at} ${message}`).join('\n'))
  const pipelines = await applyPipelines(rest, { text, file: FILE, dryRun: false })
  const { applied, problems } = await applySection(rest, 'schedules', project.sections.schedules!, false)
  expectThat(problems.length === 0, `the schedules are taken (${problems[0]?.message})`)
  for (const { kind, name, change } of [...pipelines, ...applied]) say(`${kind} "${name}": ${change}`)
}

/** The run whose training was killed in its middle; it waits for somebody's word. */
export interface Release {
  readonly id: string
  readonly training: Training
}

/** Runs the pipeline, and kills the train worker as soon as a checkpoint is durable. */
export async function release(story: Story): Promise<Release> {
  const { rest, session, code } = story
  const deployment = deploymentOf(story)
  for (let take = 1; take <= TAKES; take++) {
    const idempotencyKey = `demo-${session}-release-${take}`
    const body = { parameters: { deployment }, ...(code && { code }) }
    const { id, status, workflow } = await rest.post<PipelineRun>('/v1/pipelines/release/runs', body, {
      idempotencyKey,
    })
    if (status === 'cancelled') continue
    say(`Run ${id} of pipeline "release"; Temporal Web: ${workflow.webUrl}`)
    const training = await killedTraining(
      story,
      (await step(story, id, 'train', ({ child }) => child !== null)).child!,
    )
    if ((training.resumedFromRound ?? 0) > 0) return { id, training }
    say('  It had finished before it could be killed; once more.')
    await rest.post(`/v1/pipeline-runs/${id}/cancel`)
    await rest.follow<PipelineRun>(`/v1/pipeline-runs/${id}`)
  }
  throw new Error('No training could be killed in time.')
}

async function killedTraining(story: Story, id: string): Promise<Training> {
  let killed = false
  const run = await follow(story, id, async run => {
    const newest = run.checkpoints[0]?.round ?? 0
    if (killed || run.stage !== 'train' || newest < KILL_AFTER * TRAINING.rounds!) return
    killed = await kill(story, 'worker-train')
  })
  expectThat(run.status === 'succeeded', `training ${id} succeeds (${run.error?.message ?? ''})`)
  return run
}

/** Says yes to what the run asks, unless an earlier part of this telling has. */
export async function approve(story: Story, { id }: Release): Promise<void> {
  const { rest, session } = story
  const asked = await step(story, id, 'ask', ({ state, inputs }) => state !== 'waiting' && inputs !== null)
  say(`The run asks: "${(asked.inputs as { message: string }).message}"`)
  await rest.post<Deployment>('/v1/deployments', { name: deploymentOf(story), model: TRAINING.model })
  if (asked.state === 'succeeded') return
  await until(
    () => rest.get<PipelineRun>(`/v1/pipeline-runs/${id}`),
    ({ live }) => live?.open.some(open => open.step === 'ask') ?? false,
    'the run waits for an answer',
  )
  const idempotencyKey = `demo-${session}-approve`
  await rest.post(
    `/v1/pipeline-runs/${id}/steps/ask/approve`,
    { reason: 'better than the baseline' },
    { idempotencyKey },
  )
  await step(story, id, 'champion', ({ state }) => state === 'succeeded')
  say('Approved: the run goes on.')
}

/** A step of a run, once it is as it should be. */
export async function step(
  { rest }: Pick<Story, 'rest'>,
  id: string,
  name: string,
  holds: (step: PipelineRunStep) => boolean,
): Promise<PipelineRunStep> {
  const get = async () => {
    const { steps, status, error } = await rest.get<PipelineRun>(`/v1/pipeline-runs/${id}`)
    expectThat(
      status === 'accepted' || status === 'running' || status === 'succeeded',
      `run ${id} works (${error?.message})`,
    )
    return steps.find(each => each.name === name)!
  }
  return until(get, holds, `step "${name}" of run ${id} is there`)
}
