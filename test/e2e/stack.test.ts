import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { PipelineRunSummary } from '../../contracts/rest/pipeline-runs.js'
import type { Page } from '../../contracts/rest/common.js'
import type { DatasetVersion } from '../../contracts/rest/datasets.js'
import type { ModelVersion } from '../../contracts/rest/models.js'
import type { Training, TrainingSummary } from '../../contracts/rest/trainings.js'
import { bikeTable, months } from '../../examples/bike-sharing/bike.js'
import { missingLine, runSteps, steps } from '../docs/guide.js'
import { blocks, page } from '../docs/pages.js'
import { mlforge } from '../support/servers.js'
import { python } from '../support/python.js'
import { Demo } from './demo-process.js'
import { COMPARE } from './downloads.js'
import { download, removeStack, shell, startStack, type Stack } from './stack.js'

// One whole stack for all of it: each test goes on from what the one before has left.
describe('a whole stack', () => {
  let stack: Stack
  let demo: Demo | undefined

  beforeAll(async () => {
    stack = await startStack()
  })
  afterAll(async () => {
    await demo?.kill()
    await removeStack(stack.stateDirectory)
  })

  it.each(['rest', 'serving', 'pipelines', 'sensors', 'assets', 'concurrency', 'data', 'sdk-dataset'])(
    'answers the guide of %s calls as the page shows',
    async name => {
      const list = steps(page(`docs/guides/${name}.md`).text)
      const outputs = await runSteps(list, stack.env)
      const missing = list.flatMap(({ shown }, i) => {
        const line = missingLine(shown, outputs[i] ?? '')
        return line === undefined ? [] : [`step ${i} lacks "${line}":\n${outputs[i]}`]
      })
      expect(missing).toEqual([])
    },
  )

  it('tells the demo to its end, though the demo itself is killed in mid-training', async () => {
    demo = new Demo(stack)
    await demo.says(/kill -9 \d+: worker-train is gone/)
    await demo.kill()
    expect(demo.output).toContain('a new telling')
    demo = new Demo(stack)
    await demo.says(/Done in \d+ s/)
    expect(await demo.ends()).toBe(0)
    expect(demo.output).toContain('going on where it was stopped')
    for (const line of [
      /csv_malformed, row 100/,
      /refuses the version: value_not_of_type: Row 101, column temp/,
      /never guessed: Column dteday: .*%m\/%d\/%Y.*%d\/%m\/%Y/,
      /went on from its checkpoint at round \d+: succeeded, version 1\./,
      /killed and resumed +([0-9a-f]{64})\s+uninterrupted +\1\s/,
      /gate_refused: .*RMSE/,
      /version 1 of "bike-weekly", asked by schedule:bike-weekly/,
      /Triggered again: skipped, no_new_data/,
      /serve +succeeded: rollout /,
      /Paused \("the demo is over"\)/,
      /failed after bounded retries: object_missing/,
      /succeeded in attempt 2, version 1/,
      /Rolled back after \d+ hours: /,
      /2012-01 .*breached\n.*2012-02 .*breached/,
      /Dataset "bike" version 2: 11539 rows/,
      /killed on the way +.*serving-1, worker-io, worker-workflows, api/,
      /closed: 2012-0[67] and 2012-0[78] without breach/,
    ]) {
      expect(demo.output).toMatch(line)
    }
  })

  it('has each dataset version, run and model version of the demo once', async () => {
    const list = async <T>(path: string) => (await stack.rest.get<Page<T>>(path)).items
    const dataset = await list<DatasetVersion>('/v1/datasets/bike/versions')
    // The second is what the incident has built: the first and what was predicted and labelled.
    expect(dataset.map(({ rows }) => rows)).toEqual([11_539, 7185])
    const runs = await list<TrainingSummary>('/v1/trainings?model=bike-demand')
    expect(runs.map(({ status }) => status).sort()).toEqual([
      'refused',
      'succeeded',
      'succeeded',
      'succeeded',
    ])
    const released = await list<PipelineRunSummary>('/v1/pipeline-runs?pipeline=release')
    expect(released.map(({ status }) => status)).toEqual(['succeeded'])
    const weekly = await list<PipelineRunSummary>('/v1/pipeline-runs?pipeline=weekly')
    expect(weekly.map(({ status, trigger }) => [status, trigger])).toEqual([['succeeded', 'schedule']])
    const versions = await list<ModelVersion>('/v1/models/bike-demand/versions')
    // The third is the refused model that the demo forces into a canary, the fourth the retrained one.
    expect(versions.map(({ version }) => version).sort()).toEqual([1, 2, 3, 4])
    expect(new Set(versions.map(({ sha256 }) => sha256)).size).toBe(3)
    expect(await list('/v1/models/bike-weekly/versions')).toHaveLength(1)
    expect(await list('/v1/models/bike-early/versions')).toHaveLength(1)
    // Ends with an error where an effect is there twice, or rows and Temporal differ.
    expect(await mlforge(stack.stateDirectory, ['check'])).toMatch(/Nothing is wrong\.\s*$/)
  })

  it("takes the README's first request", async () => {
    const first = blocks(page('README.md').text).find(({ language }) => language === 'sh')!
    const run = JSON.parse(await shell(stack, first.text)) as Training
    expect(['accepted', 'running']).toContain(run.status)
    expect(run.workflow.workflowId).toBe(`default/training/bike-demand/${run.id}`)
    await stack.rest.post(`/v1/trainings/${run.id}/cancel`)
    expect((await stack.rest.follow<Training>(`/v1/trainings/${run.id}`)).status).toBe('cancelled')
  })

  it('gives downloads that the Python packages load and agree with', async () => {
    const directory = join(stack.stateDirectory, 'downloads')
    await mkdir(directory)
    const version = '/v1/models/bike-demand/versions/1/artifacts'
    await download(stack, directory, {
      'model.ubj': `${version}/model.ubj`,
      'model.onnx': `${version}/model.onnx`,
      'holdout.parquet': `${version}/holdout.parquet`,
      'predictions.parquet': `${version}/predictions.parquet`,
      'data.parquet': '/v1/datasets/bike/versions/1/artifacts/data.parquet',
      'raw.csv': '/v1/datasets/bike/versions/1/artifacts/raw.csv',
    })
    const csv = months(await bikeTable(), 2011, 1, 10)
    const sum = csv
      .trimEnd()
      .split('\n')
      .slice(1)
      .reduce((total, line) => total + Number(line.split(',').at(-1)), 0)
    const found = await python<Record<string, unknown> & { distinct: number }>(COMPARE, directory)
    expect(found).toMatchObject({
      rounds: 2000,
      rows: 1460,
      bitEqual: true,
      onnxClose: true,
      datasetRows: 7185,
      datasetColumns: 17,
      sum,
    })
    expect(found.distinct).toBeGreaterThan(1000)
    expect(await shell(stack, `cat '${join(directory, 'raw.csv')}'`)).toBe(csv)
  })
})
