import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { DatasetVersion } from '../../../contracts/rest/datasets.js'
import type { Training } from '../../../contracts/rest/trainings.js'
import { bikeTable, months } from '../bike.js'
import { chapter, expectThat, say, type Story } from '../story.js'
import { commit } from './data.js'
import { follow, start } from '../trainings.js'

/** A training whose data cannot be read fails, and goes on by itself once the data is back. */
export async function failure(story: Story): Promise<void> {
  const { rest } = story
  chapter('5. A failure that resumes by itself')
  const done = await commit(
    story,
    'bike-early',
    months(await bikeTable(), 2011, 1, 7),
    'January to July 2011',
  )
  const version = await rest.get<DatasetVersion>(`/v1/datasets/bike-early/versions/${done.version}`)
  const { sha256 } = version.artifacts.find(artifact => artifact.name === 'data.parquet')!
  const { objects } = await story.endpoints()
  const file = join(objects, 'default', 'table-data', sha256.slice(0, 2), sha256)
  const aside = `${file}.taken-away-by-the-demo`

  // A telling that was killed here may have left the file aside.
  await rename(aside, file).catch(() => undefined)
  await rename(file, aside)
  say('The data of a dataset version cannot be read any more. A training on it:')
  let failed: Training
  let id: string
  try {
    ;({ id } = await start(story, 'failing', {
      model: 'bike-early',
      dataset: { name: 'bike-early', version: version.version },
      rounds: 300,
      checkpointEvery: 100,
      split: {
        column: 'dteday',
        train: { until: '2011-06-01' },
        holdout: { from: '2011-06-01', until: '2011-08-01' },
      },
    }))
    failed = await follow(story, id)
  } finally {
    await rename(aside, file)
  }
  if (failed.status === 'failed') {
    say(`  ${failed.status} after bounded retries: ${failed.error?.code}`)
    say(
      `  policy: ${failed.retry.codes.join(', ')}; at most ${failed.retry.maxAttempts} starts, ${failed.retry.delaySeconds} s apart`,
    )
    say(`  it will be started again at ${failed.retry.nextAttemptAt}`)
  }
  say('The data is back. Nobody does anything:')
  const end = Date.now() + 120_000
  let run = await rest.get<Training>(`/v1/trainings/${id}`)
  while (run.status !== 'succeeded') {
    expectThat(Date.now() < end, `the training is picked up by itself (it is ${run.status})`)
    await wait(500)
    run = run.status === 'failed' ? await rest.get<Training>(`/v1/trainings/${id}`) : await follow(story, id)
  }
  say(`  ${run.status} in attempt ${run.attempt}, version ${run.version}; its steps:`)
  for (const step of run.steps) say(`    ${step.step.padEnd(9)} finished once, in attempt ${step.attempt}`)
  story.summary.push(['failed training', `resumed by itself in attempt ${run.attempt}, each step done once`])
}
