import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { liveQuery } from '../../contracts/temporal/messages.js'
import type { PipelineLive, PipelineRunRequest } from '../../contracts/temporal/pipelines.js'
import type { Json } from '../../domain/canonical-json.js'
import { compilePipeline } from '../../domain/pipelines/compile.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { sha256Hex, uuidv7 } from '../../stores/ids.js'
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

  const start = async (name: string, source: unknown, more: object = {}, given?: Json): Promise<Run> => {
    const step = { uses: 'sensor', with: { source }, ...more }
    const parameters = given && { source: { type: 'json' } }
    const { definition, problems } = compilePipeline({ parameters, steps: { arrival: step } }, name)
    expect(problems).toEqual([])
    const [applied] = await harness.ports.pipelines.apply(PROJECT, 'key:test', [definition!])
    const { id: pipelineId } = await harness.ports.pipelines.get(PROJECT, name)
    const { version, sha256 } = applied!
    const request: PipelineRunRequest = {
      pipelineId,
      version,
      sha256,
      parameters: given ? { source: given } : {},
    }
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

  it('waits for a condition, which may hold already', async () => {
    const model = 'good-enough'
    const condition = { metric: { model, alias: 'champion', metric: 'rmse', below: 50 } }
    const wait = { uses: 'wait', with: { condition } }
    const register = (rmse: number) =>
      harness.database.dataSource.transaction(transaction =>
        harness.ports.models.register(transaction, PROJECT, model, {
          engine: 'xgboost',
          sha256: sha256Hex(`${rmse}`),
          artifacts: {},
          signature: {},
          metrics: { model: { rmse } },
          gate: {},
          parity: {},
          lineage: {},
          runId: uuidv7(),
          effectKey: uuidv7(),
        }),
      )
    const move = (version: number) =>
      harness.ports.models.moveAlias(PROJECT, model, 'champion', { version, principal: 'k', reason: 'r' })
    await register(60)
    await register(40)
    await move(1)
    const waits = await start('waits', {}, wait)
    await untilOpen(waits)
    await move(2)
    expect(await harness.ended(waits)).toMatchObject({ status: 'succeeded' })
    const holds = await start('holds', {}, wait)
    expect(await harness.ended(holds)).toMatchObject({ status: 'succeeded' })
    const [step] = await harness.ports.ledger.steps(holds.id)
    expect(step!.outcome).toMatchObject({ outputs: { payload: { model, version: 2, value: 40 } } })
    const both = await start('both', {}, { uses: 'wait', with: { condition, seconds: 1 } })
    expect(await harness.ended(both)).toMatchObject({
      status: 'refused',
      error: { code: 'step_input_invalid', message: expect.stringContaining('one of') },
    })
  })

  it.each([
    ['no source', {}, 'needs exactly one of'],
    ['a webhook', { webhook: {} }, 'webhook'],
    ['a way out', { directory: { path: '../x' } }, 'has no ".."'],
    ['a figure that nobody has', { metric: { model: 'm', metric: 'rsme', above: 1 } }, 'rmse'],
  ])('is refused with %s that a parameter has brought', async (what, source, message) => {
    const name = `refused-${what.replaceAll(' ', '-')}`
    const run = await start(name, '${{ parameters.source }}', {}, source)
    expect(await harness.ended(run)).toMatchObject({
      status: 'refused',
      error: { code: 'step_input_invalid' },
    })
    expect(JSON.stringify((await harness.row(run)).error)).toContain(message.replaceAll('"', '\\"'))
  })
})
