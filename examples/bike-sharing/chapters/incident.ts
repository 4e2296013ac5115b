import type { DatasetVersion } from '../../../contracts/rest/datasets.js'
import type { DeploymentErrors } from '../../../contracts/rest/errors.js'
import type { Incident, IncidentRun } from '../../../contracts/rest/incidents.js'
import type { Rollout } from '../../../contracts/rest/rollouts.js'
import type { Training } from '../../../contracts/rest/trainings.js'
import { canaryBegins, canaryEnds } from '../canary.js'
import type { Replay } from '../replay.js'
import { chapter, expectThat, kill, say, sayChanges, type Story, table, until } from '../story.js'
import { step } from './release.js'
import { assessed, showWindows } from './watch.js'

/** A retraining trains as long as the first training did. */
const TRAINING_MS = 300_000

/** The incident gets its data, a new version and its end by itself; the demo only goes on asking for bikes. */
export async function incident(story: Story, replay: Replay, opened: Incident, old: number): Promise<void> {
  const { rest } = story
  const get = () => rest.get<Incident>(`/v1/incidents/${opened.id}`)
  const show = sayChanges()
  const showing = async () => {
    const now = await get()
    show(`  ${now.status}: ${now.message}`)
    return now
  }

  chapter('9. Retrain: the platform builds the data, trains, and judges')
  await replay.send(Infinity, '2012-04-02')
  await replay.settle()
  await assessed(story, replay, '2012-03')
  await showing()
  await replay.send(Infinity, '2012-05-02')
  await kill(story, 'worker-io')
  await replay.settle()
  const trained = await until(
    showing,
    ({ status, retrainings }) => retrainings[0]?.rollout != null || status === 'escalated',
    'the retraining leads to a rollout',
    TRAINING_MS,
  )
  const [retraining] = trained.retrainings
  expectThat(retraining?.rollout != null, `the retrained model passes its gate (${trained.message})`)
  const { dataset, training, rollout, version } = retraining!
  await showRetraining(story, dataset!, training!)

  chapter('10. Roll out: a canary on May and June')
  await canary(story, replay, rollout!)
  await replay.send(Infinity, '2012-07-01')
  await replay.settle()

  chapter('11. Close: two good months, answered by the new version alone')
  const shadow = await scoreOld(story, replay, old)
  await replay.send(Infinity, '2012-09-02')
  await replay.settle()
  await assessed(story, replay, '2012-08')
  const closed = await until(showing, ({ status }) => status === 'closed', 'the incident closes')
  await replay.send(Infinity, '2013-01-01')
  await replay.finish()
  await replay.settle()
  await end(story, shadow)
  showWindows(await assessed(story, replay, '2012-11'))
  await compare(story, replay, old, version!)
  story.summary.push(
    [
      'incident',
      `${closed.status} after ${closed.retrainings.length} retraining: ${rest.base}${closed.links.page}`,
    ],
    ['retrained model', `version ${version}, from ${dataset!.rows} rows`],
  )
}

async function showRetraining(
  story: Story,
  set: NonNullable<Incident['retrainings'][number]['dataset']>,
  run: IncidentRun,
): Promise<void> {
  const { rest } = story
  const version = await rest.get<DatasetVersion>(`/v1/datasets/${set.name}/versions/${set.version}`)
  say(
    `Dataset "${set.name}" version ${set.version}: ${version.rows} rows, ${set.added} of them predicted and labelled.`,
  )
  expectThat(version.rows === 11_539, `the set has 11,539 rows (${version.rows})`)
  say(`Run ${run.id} of pipeline "retrain" has trained on it:`)
  const { child } = await step(story, run.id, 'train', ({ state }) => state === 'succeeded')
  const training = await rest.get<Training>(`/v1/trainings/${child}`)
  for (const { message } of training.gate?.checks ?? []) say(`  ${message}`)
}

async function canary(story: Story, replay: Replay, { href }: IncidentRun): Promise<void> {
  await canaryBegins(story, href)
  await kill(story, 'worker-workflows')
  await kill(story, 'api')
  const show = sayChanges()
  const run = await canaryEnds(story, replay, href, '2012-07-01', ({ stage, live, outcome }) => {
    const weight = live?.arms.find(arm => arm.role === 'candidate')?.weight
    show(`  ${weight === undefined ? stage : `${weight} %`}: ${live?.waitingFor ?? outcome ?? ''}`)
  })
  expectThat(
    run.outcome === 'promoted',
    `the retrained version is promoted (${run.error?.message ?? run.stage})`,
  )
  say(`Version ${run.version} answers all rows and is champion.`)
}

/** The version before scores copies from now on, so that both can be compared on the same rows. */
async function scoreOld(story: Story, replay: Replay, version: number): Promise<Rollout> {
  const { id } = await story.rest.post<Rollout>(
    `/v1/deployments/${replay.deployment}/rollouts`,
    {
      version,
      reason: 'how would it have done?',
      strategy: { kind: 'shadow', percent: 100, minRows: 100_000, deadlineSeconds: 86_400 },
    },
    { idempotencyKey: `demo-${story.session}-shadow` },
  )
  return until(
    () => story.rest.get<Rollout>(`/v1/rollouts/${id}`),
    run => run.status !== 'accepted' && (run.status !== 'running' || isMirrored(run)),
    'the version before scores copies',
  )
}

/** Every replica has confirmed the plan with the shadow. */
function isMirrored({ live }: Rollout): boolean {
  return live?.arms.some(({ role }) => role === 'shadow') ?? false
}

/** Unless an earlier part of this telling has ended it. */
async function end({ rest, session }: Story, { id }: Rollout): Promise<void> {
  const { status } = await rest.get<Rollout>(`/v1/rollouts/${id}`)
  if (status !== 'running' && status !== 'accepted') return
  await rest.post(`/v1/rollouts/${id}/abort`, undefined, { idempotencyKey: `demo-${session}-shadow-ends` })
  await rest.follow<Rollout>(`/v1/rollouts/${id}`)
}

async function compare(
  { rest, summary }: Story,
  replay: Replay,
  old: number,
  version: number,
): Promise<void> {
  const { months } = await rest.get<DeploymentErrors>(
    `/v1/deployments/${replay.deployment}/errors?versions=${old},${version}&sameRows=true`,
  )
  const later = months.filter(({ month }) => month >= '2012-07')
  const of = (which: number) => later.filter(each => each.version === which)
  say('July to December 2012, both versions on the same rows:')
  table([
    ['month', `rows   RMSE of ${old}  RMSE of ${version}  bias of ${version}`],
    ...of(version).map((now, i): [string, string] => [
      now.month,
      `${String(now.rows).padEnd(6)} ${of(old)[i]!.rmse.toFixed(1).padEnd(10)} ${now.rmse.toFixed(1).padEnd(10)} ${now.relativeBias?.toFixed(2)}`,
    ]),
  ])
  const [before, after] = [rmse(of(old)), rmse(of(version))]
  expectThat(after <= 0.7 * before, `the new version has at most 0.70 of the old RMSE (${after}, ${before})`)
  expectThat(
    of(version).every(({ relativeBias }) => Math.abs(relativeBias ?? NaN) <= 0.2),
    'the bias of the new version is within 0.20 in each month',
  )
  summary.push(['July to December 2012', `RMSE ${after.toFixed(1)} instead of ${before.toFixed(1)}`])
}

function rmse(months: readonly { readonly rows: number; readonly rmse: number }[]): number {
  const rows = months.reduce((sum, each) => sum + each.rows, 0)
  return Math.sqrt(months.reduce((sum, each) => sum + each.rows * each.rmse ** 2, 0) / rows)
}
