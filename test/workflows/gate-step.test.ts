import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { DatasetCommit, DatasetVersion } from '../../contracts/rest/datasets.js'
import type { PipelineRun } from '../../contracts/rest/pipeline-runs.js'
import type { SuitePut } from '../../contracts/rest/suites.js'
import { expectation, suite } from '../../sdk/index.js'
import { TestApi } from '../api/support/api.js'
import { pipelineCalls } from '../api/support/pipeline-calls.js'
import { eventually } from '../support/eventually.js'
import { Harness, PROJECT, type RunningWorker } from '../support/harness.js'
import { record } from '../support/histories.js'

const atMost = (max: number) =>
  suite('prices', [expectation('expect_column_values_to_be_between', { column: 'price', max_value: max })])
const prices = (...values: number[]) => `price\n${values.join('\n')}\n`

describe('the step gate', () => {
  let harness: Harness
  let api: TestApi
  let io: RunningWorker
  beforeAll(async () => {
    harness = await Harness.start({
      queues: ['workflows', 'watch'],
      env: { MLFORGE_ROLLOUTS_LOOK_EVERY_SECONDS: '0.2' },
    })
    io = await harness.work('io')
    api = await TestApi.beside(harness)
  })
  afterAll(async () => {
    await api?.stop()
    await harness?.stop()
  })

  const calls = pipelineCalls(() => api)
  const commit = async (dataset: string, csv: string) => harness.ended(await harness.commit(dataset, csv))
  /** A commit over REST that keeps what fails. */
  const commitTo = async (dataset: string, csv: string, more: object = {}) => {
    const sent = { body: Buffer.from(csv), headers: { 'content-type': 'text/csv' } }
    const { id: upload } = (await api.call('POST', '/v1/uploads', sent)).body as { id: string }
    const body = { upload, failedExpectations: 'quarantine', ...more }
    const begun = await api.call('POST', `/v1/datasets/${dataset}/versions`, { body })
    expect(begun.status).toBe(202)
    return eventually(async () => {
      const now = (await api.call('GET', (begun.body as DatasetCommit).links.self)).body as DatasetCommit
      expect(['accepted', 'running']).not.toContain(now.status)
      return now
    })
  }
  const put = async (dataset: string, max: number) =>
    (await api.call('PUT', `/v1/datasets/${dataset}/expectations`, { body: { suite: atMost(max) } }))
      .body as SuitePut
  const start = (dataset: string, more: object = {}, step: object = {}) =>
    calls.start(dataset, {
      steps: {
        good: { uses: 'gate', with: { dataset, ...more }, ...step },
        next: {
          uses: 'branch',
          with: { value: '${{ steps.good.version }}', cases: [{ case: 'any', atLeast: 1 }] },
        },
      },
    })
  /** The step waits for a person, having found that no version will do. */
  const untilOpen = ({ id }: PipelineRun) =>
    eventually(async () => {
      const run = await calls.get(id)
      expect(run.live).toMatchObject({
        open: [{ step: 'good', what: expect.stringContaining('approval') }],
      })
    })
  const outputsOf = async ({ id }: PipelineRun) =>
    (await harness.ports.ledger.steps(id)).find(({ step }) => step === 'good')!.outcome as {
      outputs: Record<string, unknown>
      note: string
    }
  const approve = ({ id }: PipelineRun, body: object, key?: string) =>
    calls.verb(id, 'steps/good/approve', body, key)

  it('lets a version pass that is as its suite expects, with the validation as evidence', async () => {
    await commit('fine', prices(1, 2))
    const { version, sha256 } = await put('fine', 5)
    const run = await calls.ended((await start('fine')).id, 'succeeded')
    const { outputs, note } = await outputsOf(run)
    expect(outputs).toMatchObject({
      name: 'fine',
      version: 1,
      rows: 2,
      table: { kind: 'table', rows: 2 },
      suite: { dataset: 'fine', version, sha256 },
      override: null,
    })
    expect(note).toBe('fine@1, as expected')
    const evidence = await api.call('GET', `/v1/datasets/fine/validations/${String(outputs['validation'])}`)
    expect(evidence).toMatchObject({ status: 200, body: { version: 1, found: { failed: 0 } } })
  })

  it('sleeps until a version comes that is, whatever happens to its worker', async () => {
    await commit('late', prices(1, 9))
    await put('late', 5)
    const run = await start('late')
    await untilOpen(run)
    await io.stop()
    io = await harness.work('io')
    await commit('late', prices(1, 8))
    await commit('late', prices(1, 3))
    await calls.ended(run.id, 'succeeded')
    expect(await outputsOf(run)).toMatchObject({ outputs: { version: 3, override: null } })
    await record(harness.client, `${PROJECT}/pipeline/late/${run.id}`, 'runPipeline.gated')
  })

  it('checks again when the suite was wrong', async () => {
    await commit('strict', prices(1, 9))
    await put('strict', 5)
    const run = await start('strict')
    await untilOpen(run)
    const { version } = await put('strict', 9)
    await calls.ended(run.id, 'succeeded')
    expect(await outputsOf(run)).toMatchObject({
      outputs: { version: 1, suite: { version }, override: null },
    })
  })

  it('lets a version pass that somebody answers for, with the reason', async () => {
    await commit('forced', prices(1, 9))
    await put('forced', 5)
    const run = await start('forced', { roles: ['operator'] })
    await untilOpen(run)
    expect(await approve(run, {})).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', detail: expect.stringContaining('with a reason only') },
    })
    expect(await approve(run, { reason: ' ' })).toMatchObject({ status: 400 })
    expect(await approve(run, { reason: 'it is sale' }, 'mlf_admin')).toMatchObject({ status: 403 })
    expect(await approve(run, { reason: 'it is sale' })).toMatchObject({ status: 200 })
    await calls.ended(run.id, 'succeeded')
    expect(await outputsOf(run)).toMatchObject({
      outputs: { version: 1, override: { by: 'key:operator', reason: 'it is sale' } },
      note: 'forced@1, 1 not as expected, passed by key:operator',
    })
  })

  it('decides about data that fails the suite of its dataset, which its commit has put in quarantine', async () => {
    await put('daily', 5)
    const main = await commitTo('daily', prices(1, 2))
    expect(main).toMatchObject({ status: 'succeeded', version: 1, branch: 'main', warnings: [] })
    const aside = await commitTo('daily', prices(1, 9))
    expect(aside).toMatchObject({
      status: 'succeeded',
      version: 2,
      created: true,
      branch: 'main.quarantine',
      warnings: ['kept in quarantine', expect.stringContaining('1 rows fail, first row 2')],
    })
    const version = async (selector: string) =>
      (await api.call('GET', `/v1/datasets/daily/versions/${selector}`)).body as DatasetVersion
    expect(await version('latest')).toMatchObject({ version: 1 })
    expect(await version('2')).toMatchObject({
      branch: 'main.quarantine',
      parentVersions: [1],
      expectations: [{ passed: false, failingRows: 1 }],
    })
    expect(await commitTo('daily', prices(1, 9))).toMatchObject({ version: 2, created: false })

    const overridden = await start('daily')
    await untilOpen(overridden)
    await approve(overridden, { reason: 'a sale' })
    await calls.ended(overridden.id, 'succeeded')
    expect(await outputsOf(overridden)).toMatchObject({
      outputs: { version: 2, override: { by: 'key:operator', reason: 'a sale' } },
    })
    const lineage = await api.call('GET', '/v1/lineage/dataset:daily@2?direction=downstream&depth=2')
    expect(JSON.stringify(lineage.body)).toContain('a sale')

    const waiting = await start('daily')
    await untilOpen(waiting)
    expect(await commitTo('daily', prices(1, 3))).toMatchObject({ version: 3, branch: 'main' })
    await calls.ended(waiting.id, 'succeeded')
    expect(await outputsOf(waiting)).toMatchObject({ outputs: { version: 3, override: null } })

    // Bad data that comes once more is decided about once more, until good data that was there is sent again.
    expect(await commitTo('daily', prices(1, 9))).toMatchObject({ version: 4, created: true })
    const again = await start('daily')
    await untilOpen(again)
    expect(await commitTo('daily', prices(1, 3))).toMatchObject({ version: 3, created: false })
    await calls.ended(again.id, 'succeeded')
    expect(await outputsOf(again)).toMatchObject({ outputs: { version: 3, override: null } })
  })

  it('decides about the first data of a dataset, and about a branch by what is in its own quarantine', async () => {
    await put('fresh', 5)
    expect(await commitTo('fresh', prices(7))).toMatchObject({ version: 1, branch: 'main.quarantine' })
    expect(await api.call('GET', '/v1/datasets/fresh/versions/latest')).toMatchObject({ status: 404 })
    const run = await start('fresh')
    await untilOpen(run)
    expect(await commitTo('fresh', prices(2))).toMatchObject({ version: 2, branch: 'main' })
    await calls.ended(run.id, 'succeeded')
    expect(await commitTo('fresh', prices(8), { branch: 'may' })).toMatchObject({
      version: 3,
      branch: 'may.quarantine',
    })
    expect(await commitTo('fresh', prices(3), { branch: 'may' })).toMatchObject({ version: 4, branch: 'may' })
    expect(await commitTo('fresh', prices(9), { branch: 'may' })).toMatchObject({ version: 5 })
    const ofMain = await calls.ended((await start('fresh')).id, 'succeeded')
    expect(await outputsOf(ofMain)).toMatchObject({ outputs: { version: 2 } })
    const ofMay = await start('fresh-may', { dataset: 'fresh@may' })
    await untilOpen(ofMay)
    await approve(ofMay, { reason: 'as it was in May' })
    await calls.ended(ofMay.id, 'succeeded')
    expect(await outputsOf(ofMay)).toMatchObject({ outputs: { version: 5 } })
  })

  it('refuses what somebody rejects, and what nobody answers for in its time', async () => {
    await commit('bad', prices(1, 9))
    await put('bad', 5)
    const rejected = await start('bad')
    await untilOpen(rejected)
    await calls.verb(rejected.id, 'steps/good/reject', { reason: 'a broken scale' })
    expect(await calls.ended(rejected.id, 'refused')).toMatchObject({
      error: { code: 'approval_rejected', message: expect.stringContaining('a broken scale') },
    })
    const expired = await start('bad', {}, { timeout: 3 })
    expect(await calls.ended(expired.id, 'refused')).toMatchObject({ error: { code: 'approval_expired' } })
  })

  it('says so where there is no suite, or one of another dataset', async () => {
    await commit('bare', prices(1))
    const bare = await calls.ended((await start('bare')).id, 'failed')
    expect(bare.error).toMatchObject({ code: 'not_found', message: expect.stringContaining('bare') })
    await put('other', 5)
    const other = await calls.ended((await start('bare', { suite: 'other@1' })).id, 'refused')
    expect(other.error).toMatchObject({ code: 'step_input_invalid' })
  })
})
