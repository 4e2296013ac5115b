import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {} from '../../contracts/temporal/pipelines.js'
import type { Json } from '../../domain/canonical-json.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { type Harness, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'
import { PipelineKit } from '../support/pipeline-kit.js'
import type { Receiver } from '../support/receiver.js'

describe('runPipeline, by runs within it', () => {
  let harness: Harness
  let receiver: Receiver
  let kit: PipelineKit
  beforeAll(async () => {
    kit = await PipelineKit.withWorkers()
    ;({ harness, receiver } = kit)
    await kit.commitBike()
  })
  afterAll(() => kit.stop())

  const start: PipelineKit['start'] = (...given) => kit.start(...given)
  const post: PipelineKit['post'] = (...given) => kit.post(...given)
  const stepsOf = (run: Run) => kit.steps(run)
  const outcomeOf = async (run: Run, step: string, generation = 1) =>
    (await kit.outcome(run, step, generation)) as { outputs: Record<string, Json>; cachedFrom?: object }

  it('runs another pipeline as a step, and goes on with what that has given', async () => {
    const inner = await start(
      'inner',
      {
        parameters: { n: { type: 'integer', default: 1 } },
        steps: { compare: { uses: 'compare', with: { candidate: '${{ parameters.n }}', reference: 10 } } },
      },
      { n: 1 },
    )
    await harness.ended(inner)
    const run = await start('outer', {
      steps: {
        inner: { uses: 'subpipeline', with: { pipeline: 'inner', parameters: { n: 5 } } },
        tell: post('/ok/outer', {
          with: { url: receiver.url('/ok/outer'), body: '${{ steps.inner.outputs.compare.ratio }}' },
        }),
      },
    })
    expect(await harness.ended(run)).toMatchObject({ status: 'succeeded' })
    expect(receiver.of('/ok/outer').map(({ body }) => body)).toEqual([0.5])
    const { inner: step } = await stepsOf(run)
    expect(await harness.row({ id: step!.child! })).toMatchObject({
      kind: 'pipeline',
      name: 'inner',
      status: 'succeeded',
    })
    const wrong = await start('outer', {
      steps: { inner: { uses: 'subpipeline', with: { pipeline: 'inner', parameters: { m: 5 } } } },
    })
    expect(await harness.ended(wrong)).toMatchObject({
      status: 'refused',
      error: { code: 'step_input_invalid', message: expect.stringContaining('no parameter "m"') },
    })
  })

  it('does a step with each item of a list, and gives what each gave in their order', async () => {
    const items = Array.from({ length: 25 }, (_, n) => ({ n }))
    const run = await start('mapped', {
      steps: {
        each: {
          uses: 'map',
          with: { items, parallel: 4, maxFailures: 1 },
          do: { uses: 'compare', with: { candidate: '${{ item.n }}', reference: 23 } },
        },
        tell: post('/ok/mapped', {
          with: { url: receiver.url('/ok/mapped'), body: '${{ steps.each.results }}' },
        }),
      },
    })
    expect(await harness.ended(run)).toMatchObject({ status: 'succeeded' })
    expect((await outcomeOf(run, 'each')).outputs).toMatchObject({ count: 25, failed: 1 })
    const [told] = receiver.of('/ok/mapped')
    expect(told!.body).toEqual(items.map(({ n }) => (n > 23 ? null : { ratio: n / 23 })))
    const { each } = await stepsOf(run)
    const child = await harness.row({ id: each!.child! })
    expect(child).toMatchObject({ kind: 'map', name: 'mapped', status: 'succeeded' })
    await record(harness.client, child.workflowId, 'runMap.succeeded')
  })

  it('takes a map up where it was, with the rows of a table as its items', async () => {
    const run = await start('mapped-table', {
      steps: {
        data: { uses: 'dataset', with: { dataset: 'bike' } },
        few: {
          uses: 'query',
          with: {
            sql: 'SELECT instant FROM t ORDER BY instant LIMIT 6',
            tables: { t: '${{ steps.data.table }}' },
          },
        },
        each: {
          uses: 'map',
          with: { items: '${{ steps.few.table }}', parallel: 1 },
          do: {
            uses: 'http',
            with: { url: receiver.url('/fail/1/${{ item.instant }}') },
            retry: { maxAttempts: 1 },
          },
        },
      },
    })
    const paths = Array.from({ length: 6 }, (_, i) => `/fail/1/${i + 1}`)
    const sent = () => paths.map(path => receiver.of(path).length)
    expect(await harness.ended(run)).toMatchObject({
      status: 'failed',
      error: { code: 'http_failed', message: expect.stringContaining('item 0') },
    })
    expect(sent()).toEqual([1, 0, 0, 0, 0, 0])
    // Each attempt comes one item further, and sends nothing again that was answered.
    for (let attempt = 2; attempt <= 7; attempt++) {
      await harness.ended(await harness.ports.runs.retry(PROJECT, run.id))
    }
    expect(await harness.row(run)).toMatchObject({ status: 'succeeded', attempt: 7 })
    expect(sent()).toEqual([2, 2, 2, 2, 2, 2])
    expect(new Set(receiver.of('/fail/1/3').map(({ key }) => key))).toEqual(new Set([`${run.id}/each/2/g1`]))
  })
})
