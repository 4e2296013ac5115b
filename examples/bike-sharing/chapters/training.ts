import type { Metrics, StartTraining, Training } from '../../../contracts/rest/trainings.js'
import type { ModelVersion } from '../../../contracts/rest/models.js'
import { TRAINING } from '../bike.js'
import { chapter, expectThat, kill, say, sayChanges, sha256, type Story, table } from '../story.js'

/** Share of the rounds after which a durable checkpoint lets the demo kill the worker. */
const KILL_AFTER = 0.25
const TAKES = 5

export async function start(
  story: Story,
  name: string,
  changes: Partial<StartTraining> = {},
): Promise<Training> {
  const idempotencyKey = `demo-${story.session}-${name}`
  return story.rest.post<Training>('/v1/trainings', { ...TRAINING, ...changes }, { idempotencyKey })
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

/** A training whose worker is killed in the middle, and the same job left alone: the same bytes. */
export async function training(story: Story): Promise<ModelVersion> {
  chapter('2. Train: the worker is killed in the middle')
  const killed = await killedTraining(story)
  say(
    `The training went on from its checkpoint at round ${killed.resumedFromRound}: ${killed.status}, version ${killed.version}.`,
  )

  say('The same job once more, left alone:')
  const calm = await follow(story, (await start(story, 'calm')).id)
  expectThat(
    calm.status === 'succeeded' && calm.resumedFromRound === 0,
    'the second training is not interrupted',
  )
  const [one, two] = [modelHash(killed), modelHash(calm)]
  say(`  killed and resumed  ${one}`)
  say(`  uninterrupted       ${two}`)
  expectThat(one === two, 'both models have the same bytes')
  story.summary.push([
    'killed training',
    `resumed at round ${killed.resumedFromRound}, same bytes as uninterrupted`,
  ])
  return story.rest.get<ModelVersion>(`/v1/models/${killed.model}/versions/${killed.version}`)
}

/** Kills the train worker as soon as a checkpoint is durable. A run that was too quick is followed by another. */
async function killedTraining(story: Story): Promise<Training> {
  for (let take = 1; take <= TAKES; take++) {
    const { id } = await start(story, `killed-${take}`)
    let killed = false
    const run = await follow(story, id, async run => {
      const newest = run.checkpoints[0]?.round ?? 0
      if (killed || run.stage !== 'train' || newest < KILL_AFTER * TRAINING.rounds!) return
      killed = await kill(story, 'worker-train')
    })
    expectThat(run.status === 'succeeded', `training ${id} succeeds (${run.error?.message ?? ''})`)
    if ((run.resumedFromRound ?? 0) > 0) return run
    say('  It had finished before it could be killed; once more.')
  }
  throw new Error('No training could be killed in time.')
}

/**
 * What the gate saw, what it refuses, and what can be downloaded.
 * @returns id of the training whose model the gate refused
 */
export async function evaluation(story: Story, version: ModelVersion): Promise<string> {
  chapter('3. Evaluate, gate, register')
  const show = (name: string, metrics: Metrics | undefined): [string, string][] =>
    metrics ? [[name, line(metrics)]] : []
  // A training's version has all of these.
  const [metrics, parity] = [version.metrics!, version.parity!]
  table([
    ['September and October 2011', 'RMSE    MAE     WAPE   bias    R2'],
    ...show('XGBoost', metrics.model),
    ...show('mean by hour and working day', metrics.baseline),
    ...show('champion', metrics.champion),
  ])
  const { rows, maxDifference, tolerance } = parity
  say(
    `ONNX and XGBoost agree on all ${rows} held-out rows: largest difference ${maxDifference}, allowed ${tolerance}.`,
  )
  say(`Registered as version ${version.version} of "${version.model}": the bytes that were evaluated.`)
  for (const { name, bytes, href } of version.artifacts)
    say(`  ${name.padEnd(20)} ${String(bytes).padStart(9)} bytes  ${href}`)
  const ubj = version.artifacts.find(artifact => artifact.name === 'model.ubj')!
  expectThat(
    sha256(await story.rest.download(ubj.href)) === version.sha256,
    'the download has the registered bytes',
  )

  say('A negative control, trained on shuffled targets, must not pass:')
  const control = await follow(
    story,
    (await start(story, 'control', { control: { permuteTarget: { seed: 7 } } })).id,
  )
  expectThat(control.status === 'refused' && control.version === null, 'the gate refuses the control')
  say(`  ${control.error?.code}: ${control.error?.message}`)

  await story.rest.put(`/v1/models/${version.model}/aliases/champion`, {
    version: version.version,
    reason: 'passed the gate in the demo',
  })
  say(`Alias "champion" now names version ${version.version}; its history says who moved it, when and why.`)
  story.summary.push(
    ['model', `${version.model} version ${version.version}, ${version.sha256.slice(0, 16)}`],
    [
      'holdout',
      `RMSE ${metrics.model.rmse.toFixed(1)} against a baseline of ${metrics.baseline.rmse.toFixed(1)}`,
    ],
    ['negative control', `refused: ${control.error?.code}`],
  )
  return control.id
}

function line({ rmse, mae, wape, relativeBias, r2 }: Metrics): string {
  const cell = (value: number | null, digits: number) =>
    (value === null ? '-' : value.toFixed(digits)).padEnd(7)
  return `${cell(rmse, 1)} ${cell(mae, 1)} ${cell(wape, 2)} ${cell(relativeBias, 2)} ${cell(r2, 2)}`
}

function modelHash(run: Training): string {
  return run.artifacts.find(artifact => artifact.name === 'model.ubj')?.sha256 ?? 'missing'
}
