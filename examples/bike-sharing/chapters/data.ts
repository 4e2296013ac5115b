import type { DatasetCommit, DatasetVersion } from '../../../contracts/rest/datasets.js'
import type { Upload } from '../../../contracts/rest/uploads.js'
import { bikeTable, commitOf, firstDays, months } from '../bike.js'
import { Refused } from '../../../sdk/rest.js'
import { chapter, expectThat, say, sayChanges, type Story } from '../story.js'

/** January to October 2011 become a dataset version; what cannot be read for sure is refused. */
export async function data(story: Story): Promise<void> {
  chapter('1. Data: January to October 2011 become a dataset version')
  const bike = await bikeTable()
  const csv = months(bike, 2011, 1, 10)

  const lines = csv.split('\n')
  const ragged = [...lines.slice(0, 100), `${lines[100]},42`, ...lines.slice(101)].join('\n')
  const malformed = await refusal(() => story.rest.upload('/v1/uploads', ragged))
  say(
    `A file with a broken line is refused while it comes: ${malformed.code}, ${malformed.problems?.[0]?.at}:`,
  )
  say(`  ${malformed.problems?.[0]?.message}`)

  const wrong = csv.replace(/^(101,(?:[^,]*,){9})[^,]*/m, '$1warm')
  const refused = await commit(story, 'bike-corrupted', wrong, 'a temperature that is a word')
  expectThat(refused.status === 'refused', 'a wrong value refuses the version')
  say(`A value of another type refuses the version: ${refused.error?.code}: ${refused.error?.message}`)

  const ambiguous = await commit(story, 'bike-first-days', firstDays(bike, 12), 'dates left to guess', {})
  expectThat(ambiguous.error?.code === 'date_format_ambiguous', 'a date that reads both ways is refused')
  say(`A date that reads two ways is never guessed: ${ambiguous.error?.message}`)

  const done = await commit(story, 'bike', csv, 'January to October 2011')
  expectThat(done.status === 'succeeded', 'the dataset is committed')
  const version = await story.rest.get<DatasetVersion>(`/v1/datasets/bike/versions/${done.version}`)
  say(
    `Version ${version.version} of dataset "bike"${done.created ? '' : ' (the same content as before)'}: ${version.rows} rows`,
  )
  say(`  identity ${version.root}`)
  const passed = version.expectations.filter(each => each.passed).length
  say(
    `  ${passed} of ${version.expectations.length} expectations hold; kept as warnings: ${done.warnings.join('; ')}`,
  )
  say(`  in Temporal Web: ${done.workflow.webUrl}`)
  story.summary.push([
    'dataset',
    `bike version ${version.version}, ${version.rows} rows, ${version.root.slice(0, 16)}`,
  ])
}

/** Uploads a file and follows its commit to the end. */
export async function commit(
  story: Story,
  dataset: string,
  csv: string,
  message: string,
  columns?: Record<string, never>,
): Promise<DatasetCommit> {
  const { rest, session } = story
  const idempotencyKey = `demo-${session}-${dataset}`
  const upload = await rest.upload<Upload>('/v1/uploads', csv)
  const body = { ...commitOf(upload.id, message), ...(columns ? { columns, expectations: [] } : {}) }
  const { id } = await start(story, dataset, body, idempotencyKey)
  const show = sayChanges()
  return rest.follow<DatasetCommit>(`/v1/datasets/${dataset}/commits/${id}`, run => {
    if (run.status === 'running') show(`  ${dataset}: ${run.stage}`)
  })
}

/** A telling that goes on has uploaded the file anew: the key then answers with the commit it knows. */
async function start(
  story: Story,
  dataset: string,
  body: unknown,
  idempotencyKey: string,
): Promise<{ id: string }> {
  try {
    return await story.rest.post<DatasetCommit>(`/v1/datasets/${dataset}/versions`, body, { idempotencyKey })
  } catch (error) {
    const known = error instanceof Refused && error.problem.code === 'idempotency_key_reused'
    if (known && typeof error.problem['runId'] === 'string') return { id: error.problem['runId'] }
    throw error
  }
}

async function refusal(request: () => Promise<unknown>) {
  try {
    await request()
  } catch (error) {
    if (error instanceof Refused) return error.problem
    throw error
  }
  throw new Error('The demo expected a refusal.')
}
