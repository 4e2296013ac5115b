import { setTimeout as wait } from 'node:timers/promises'
import type { PipelineRun } from '../../../contracts/rest/pipeline-runs.js'
import { Refused } from '../../../sdk/rest.js'
import { all } from '../all.js'
import type { PatientClient } from '../client.js'
import type { ReleasePoint } from '../points.js'
import { templateOf } from '../training/scenario.js'

/** Called when the chain is about to come to a point; resolves when it was there. */
export type AtPoint = (point: ReleasePoint) => Promise<void>

const ASKED_MS = 120_000

/** The demo's release, on less: data -> train -> ask -> promote -> roll out; promoted, it can be undone. */
function definitionOf(name: string, dataset: string) {
  const training = {
    ...templateOf(120),
    split: {
      column: 'dteday',
      train: { from: '2011-01-01', until: '2011-09-01' },
      holdout: { from: '2011-09-01', until: '2011-11-01' },
    },
  }
  return {
    steps: {
      data: { uses: 'dataset', with: { dataset: `${dataset}@latest` } },
      good: {
        uses: 'validate',
        cache: false,
        with: { table: '${{ steps.data.table }}', expectations: [{ kind: 'row_count', min: 1 }] },
      },
      train: {
        uses: 'train',
        needs: 'good',
        cache: false,
        with: {
          model: name,
          dataset: '${{ steps.data.name }}',
          version: '${{ steps.data.version }}',
          training,
        },
      },
      ask: { uses: 'approve', needs: 'train', with: { message: 'Version ${{ steps.train.version }}?' } },
      champion: {
        uses: 'promote',
        needs: 'ask',
        with: { model: name, version: '${{ steps.train.version }}' },
        compensate: { uses: 'promote', with: { model: name, version: '${{ steps.champion.previous }}' } },
      },
      serve: { uses: 'deploy', with: { deployment: name, version: '${{ steps.champion.version }}' } },
    },
  }
}

/**
 * A release by a pipeline, approved and rolled out, and then rolled back, as a client of the REST API does it.
 * Ends when all has ended, and throws when something did not end as it should.
 */
export async function runRelease(
  client: PatientClient,
  name: string,
  dataset: string,
  at: AtPoint,
): Promise<void> {
  await client.post('/v1/pipelines', { pipelines: { [name]: definitionOf(name, dataset) } })
  const { id } = await client.post<PipelineRun>(`/v1/pipelines/${name}/runs`, {}, `${name}-run`)
  const path = `/v1/pipeline-runs/${id}`
  await all([asks(client, path), ...(['checked', 'learning'] as const).map(at)])
  await at('asked')
  await client.post('/v1/deployments', { name, model: name })
  await all([approve(client, path, name), at('answered')])
  const [done] = await all([
    client.follow<PipelineRun>(path),
    ...(['championed', 'planned'] as const).map(at),
  ])
  if (done.status !== 'succeeded') throw new Error(`Run ${id} has ${done.status}: ${done.error?.message}`)
  await all([rolledBack(client, path), at('undone')])
}

/** Until somebody is asked, whom the workflow knows. */
async function asks(client: PatientClient, path: string): Promise<void> {
  for (const end = Date.now() + ASKED_MS; ; await wait(100)) {
    const { live, status, error } = await client.get<PipelineRun>(path)
    if (live?.open.some(({ step }) => step === 'ask')) return
    if (Date.now() > end || status === 'failed')
      throw new Error(`Nobody is asked: ${status}, ${error?.message}`)
  }
}

/** A worker that is just gone answers nothing: then it is said again, and once is enough. */
async function approve(client: PatientClient, path: string, name: string): Promise<void> {
  try {
    await client.post(`${path}/steps/ask/approve`, { reason: 'kill suite' }, `${name}-approve`)
  } catch (error) {
    if (!(error instanceof Refused) || error.problem.code !== 'wrong_state') throw error
  }
}

async function rolledBack(client: PatientClient, path: string): Promise<void> {
  const asked = await client.post<PipelineRun>(`${path}/rollback`, { reason: 'kill suite' })
  const { status, error } = await client.follow<PipelineRun>(path)
  if (status === 'refused' && error?.code === 'rolled_back') return
  throw new Error(`Run ${asked.id} was to be rolled back, and has ${status}: ${error?.message}`)
}
