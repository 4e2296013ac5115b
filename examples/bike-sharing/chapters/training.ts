import type { Metrics, Training } from '../../../contracts/rest/trainings.js'
import type { ModelVersion } from '../../../contracts/rest/models.js'
import { chapter, expectThat, say, sha256, type Story, table } from '../story.js'
import { follow, start } from '../trainings.js'
import { approve, declare, release, type Release } from './release.js'

/** A pipeline whose training is killed in the middle, and the same training left alone: the same bytes. */
export async function training(
  story: Story,
): Promise<{ readonly version: ModelVersion; readonly run: Release }> {
  chapter('2. Train, by a pipeline: the worker is killed in the middle')
  await declare(story)
  const run = await release(story)
  const { training: killed } = run
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
  const version = await story.rest.get<ModelVersion>(`/v1/models/${killed.model}/versions/${killed.version}`)
  return { version, run }
}

/**
 * What the gate saw, what it refuses, and what can be downloaded.
 * @returns id of the training whose model the gate refused
 */
export async function evaluation(story: Story, version: ModelVersion, run: Release): Promise<string> {
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

  await approve(story, run)
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
