import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { PipelineRunRequest } from '../../contracts/temporal/pipelines.js'
import { QUEUES } from '../../contracts/temporal/queues.js'
import type { Json } from '../../domain/canonical-json.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { type Harness, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'
import { PipelineKit } from '../support/pipeline-kit.js'

describe('scheduledPipeline', () => {
  let harness: Harness
  let kit: PipelineKit
  beforeAll(async () => {
    kit = await PipelineKit.withWorkers()
    ;({ harness } = kit)
  })
  afterAll(() => kit.stop())

  const start: PipelineKit['start'] = (...given) => kit.start(...given)
  const outcomeOf = async (run: Run, step: string, generation = 1) =>
    (await kit.outcome(run, step, generation)) as { outputs: Record<string, Json>; cachedFrom?: object }

  it('is what a tick of a schedule runs, of the newest version and once', async () => {
    const first = await start(
      'ticking',
      {
        parameters: { n: { type: 'integer', default: 1 } },
        steps: { check: { uses: 'compare', with: { candidate: '${{ parameters.n }}', reference: 5 } } },
      },
      { n: 1 },
    )
    await harness.ended(first)
    await harness.ports.schedules.create({
      project: PROJECT,
      name: 'ticking',
      kind: 'pipeline',
      training: null,
      deployment: null,
      pipeline: { pipeline: 'ticking', parameters: { n: 2 } },
      timing: { cron: '0 3 * * *' },
      paused: false,
      note: null,
      principal: 'key:test',
    })
    const workflowId = `${PROJECT}/schedule/ticking/2026-03-01T03:00:00Z`
    const tick = () =>
      harness.client.workflow.execute('scheduledPipeline', {
        workflowId,
        taskQueue: QUEUES.workflows,
        args: [{ project: PROJECT, schedule: 'ticking' }],
      })
    expect(await tick()).toEqual({ outcome: 'succeeded', steps: { succeeded: 1 } })
    await record(harness.client, workflowId, 'scheduledPipeline.succeeded')
    expect(await tick()).toEqual({ outcome: 'succeeded', steps: { succeeded: 1 } })
    const { items } = await harness.ports.runs.list(PROJECT, { name: 'ticking' })
    const own = items.filter(({ principal }) => principal === 'schedule:ticking')
    expect(own).toMatchObject([
      { status: 'succeeded', trigger: 'schedule', request: { parameters: { n: 2 } } },
    ])
  })

  it('stays with the data it was taken on with, and ticks of a schedule skip what has been done', async () => {
    const days = (...values: number[]) =>
      ['day,cnt', ...values.map((n, i) => `2026-01-0${i + 1},${n}`)].join('\n')
    await harness.ended(await harness.commit('fresh', days(1)))
    const first = await kit.start('pinned', {
      parameters: { name: { type: 'string', default: 'fresh' } },
      steps: { data: { uses: 'dataset', with: { dataset: '${{ parameters.name }}@latest' } } },
    })
    await harness.ended(first)
    const schedule = {
      project: PROJECT,
      name: 'pinned',
      kind: 'pipeline' as const,
      training: null,
      deployment: null,
      pipeline: { pipeline: 'pinned', parameters: {} },
      timing: { cron: '0 3 * * *' },
      paused: false,
      note: null,
      principal: 'key:test',
    }
    await harness.ports.schedules.create(schedule)
    const tick = (day: number) =>
      harness.client.workflow.execute('scheduledPipeline', {
        workflowId: `${PROJECT}/schedule/pinned/2026-03-0${day}T03:00:00Z`,
        taskQueue: QUEUES.workflows,
        args: [{ project: PROJECT, schedule: 'pinned' }],
      })
    // The first run was nobody's tick: what it has done does not count.
    expect(await tick(1)).toMatchObject({ outcome: 'succeeded' })
    const skipped = await tick(2)
    expect(skipped).toEqual({ outcome: 'skipped', reason: 'no_new_data', sameAs: expect.any(String) })
    await record(
      harness.client,
      `${PROJECT}/schedule/pinned/2026-03-02T03:00:00Z`,
      'scheduledPipeline.skipped',
    )
    await harness.ended(await harness.commit('fresh', days(1, 2)))
    expect(await tick(3)).toMatchObject({ outcome: 'succeeded' })
    const { items } = await harness.ports.schedules.ticks(PROJECT, 'pinned', {})
    const { items: runs } = await harness.ports.runs.list(PROJECT, { name: 'pinned' })
    expect(items.map(({ outcome, runId }) => [outcome, runs.findIndex(({ id }) => id === runId)])).toEqual([
      ['run', 0],
      ['no_new_data', 1],
      ['run', 1],
    ])
    const pins = runs.slice(0, 2).map(({ request }) => (request as PipelineRunRequest).pins)
    expect(pins).toMatchObject([
      [{ step: 'data', dataset: 'fresh', version: 2 }],
      [{ step: 'data', dataset: 'fresh', version: 1 }],
    ])
    const again = await harness.ports.runs.reset(PROJECT, runs[1]!.id, transaction =>
      harness.ports.pipelineRuns.raise(transaction, runs[1]!.id, ['data']),
    )
    await harness.ended(again)
    expect((await outcomeOf(again, 'data', 2)).outputs['version']).toBe(1)
    await harness.ports.schedules.update(PROJECT, 'pinned', {
      pipeline: { ...schedule.pipeline, onNoNewData: 'run' },
    })
    expect(await tick(4)).toMatchObject({ outcome: 'succeeded' })
  })

  it('stays with the version that a tag named when it was taken on', async () => {
    const table = (n: number) => `day,cnt\n2026-01-01,${n}\n`
    const { datasets, refs } = harness.ports
    for (const n of [1, 2]) await harness.ended(await harness.commit('tagged', table(n)))
    const dataset = await datasets.get(PROJECT, 'tagged')
    const gold = (version: number) =>
      refs.move(dataset, { kind: 'tag', name: 'gold', version, principal: 'key:test' })
    await gold(1)
    const run = await kit.start('by-tag', {
      steps: { data: { uses: 'dataset', with: { dataset: 'tagged@gold' } } },
    })
    await gold(2)
    await harness.ended(run)
    expect((await outcomeOf(run, 'data')).outputs['version']).toBe(1)
    expect((run.request as PipelineRunRequest).pins).toMatchObject([{ step: 'data', version: 1 }])
    const again = await harness.ports.runs.reset(PROJECT, run.id, transaction =>
      harness.ports.pipelineRuns.raise(transaction, run.id, ['data']),
    )
    await harness.ended(again)
    expect((await outcomeOf(again, 'data', 2)).outputs['version']).toBe(1)
  })
})
