import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { liveQuery } from '../../contracts/temporal/messages.js'
import type { PipelineLive, PipelineRunRequest } from '../../contracts/temporal/pipelines.js'
import { compilePipeline } from '../../domain/pipelines/compile.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { sha256Hex } from '../../stores/ids.js'
import { eventually } from '../support/eventually.js'
import { Harness, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'
import { SensorBench } from '../support/sensor-bench.js'

describe('the step sensor', () => {
  let harness: Harness
  let bench: SensorBench
  beforeAll(async () => {
    harness = await Harness.start({ queues: ['workflows', 'io', 'watch'] })
    bench = new SensorBench(harness)
  })
  afterAll(() => harness.stop())

  const start = async (name: string, source: object, more: object = {}): Promise<Run> => {
    const step = { uses: 'sensor', with: { source }, ...more }
    const { definition, problems } = compilePipeline({ steps: { arrival: step } }, name)
    expect(problems).toEqual([])
    const [applied] = await harness.ports.pipelines.apply(PROJECT, 'key:test', [definition!])
    const { id: pipelineId } = await harness.ports.pipelines.get(PROJECT, name)
    const { version, sha256 } = applied!
    const request: PipelineRunRequest = { pipelineId, version, sha256, parameters: {} }
    return harness.accept('pipeline', name, request)
  }
  const untilOpen = (run: Run) =>
    eventually(async () => {
      const live = (await harness.client.workflow.getHandle(run.workflowId).query(liveQuery)) as PipelineLive
      expect(live.open).toMatchObject([{ step: 'arrival', gate: { kind: 'source' } }])
    })

  it('waits for what is new, though its directory goes and comes back meanwhile', async () => {
    const directory = await bench.directory('arrivals')
    await writeFile(join(directory, 'old.csv'), 'old')
    const run = await start('arrivals', { directory: { path: 'arrivals', pattern: '*.csv' } })
    await untilOpen(run)
    await rename(directory, `${directory}-away`)
    await rename(`${directory}-away`, directory)
    await writeFile(join(directory, 'new.csv'), 'new')
    expect(await harness.ended(run)).toMatchObject({ status: 'succeeded' })
    const [step] = await harness.ports.ledger.steps(run.id)
    expect(step).toMatchObject({
      step: 'arrival',
      outcome: { outputs: { payload: { path: 'new.csv', sha256: sha256Hex('new') } } },
    })
    await record(harness.client, run.workflowId, 'runPipeline.sensed')
  })

  it('is out of time where nothing comes, and says what it could not see', async () => {
    await rm(join(harness.config.scripts.directory, 'nowhere'), { recursive: true, force: true })
    const run = await start('late', { directory: { path: 'nowhere' } }, { timeout: 1 })
    expect(await harness.ended(run)).toMatchObject({
      status: 'failed',
      error: {
        code: 'timed_out',
        message: expect.stringMatching(/has waited for 1 seconds.*there is no such directory/),
      },
    })
  })

  it.each([
    ['no source', {}, 'needs exactly one of'],
    ['a webhook', { webhook: {} }, 'webhook'],
    ['a way out', { directory: { path: '../x' } }, 'has no ".."'],
    ['a figure that nobody has', { metric: { model: 'm', metric: 'rsme', above: 1 } }, 'rmse'],
  ])('is refused with %s', async (what, source, message) => {
    const run = await start(`refused-${what.replaceAll(' ', '-')}`, source)
    expect(await harness.ended(run)).toMatchObject({
      status: 'refused',
      error: { code: 'step_input_invalid' },
    })
    expect(JSON.stringify((await harness.row(run)).error)).toContain(message.replaceAll('"', '\\"'))
  })
})
