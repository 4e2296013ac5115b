import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Config } from '../../config/config.js'
import { answerStep } from '../../contracts/temporal/pipelines.js'
import { WorkerDeployments } from '../../infra/launcher/worker-deployments.js'
import { createWorker } from '../../worker/workers.js'
import { eventually } from '../support/eventually.js'
import { Harness } from '../support/harness.js'
import { PipelineKit } from '../support/pipeline-kit.js'
import { Receiver } from '../support/receiver.js'

describe('workflow workers of several builds', () => {
  let harness: Harness
  let receiver: Receiver
  let kit: PipelineKit
  let deployments: WorkerDeployments
  const stops: (() => Promise<void>)[] = []
  beforeAll(async () => {
    harness = await Harness.start({
      queues: ['io', 'watch'],
      env: { MLFORGE_WORKER_DEPLOYMENT: 'mlforge-workflows', MLFORGE_WORKER_BUILD: 'one' },
    })
    receiver = await Receiver.start()
    kit = new PipelineKit(harness, receiver)
    deployments = await WorkerDeployments.connect(harness.config)
  })
  afterAll(async () => {
    await deployments.close()
    await receiver.stop()
    for (const stop of stops) await stop()
    await harness.stop()
  })

  const work = async (build: string) => {
    const { config } = harness
    const own: Config = { ...config, worker: { ...config.worker, build } }
    const worker = await createWorker('workflows', harness.context(own))
    const running = worker.run()
    stops.push(async () => {
      worker.shutdown()
      await running
    })
  }
  const known = (...builds: string[]) =>
    eventually(async () => {
      const found = (await deployments.builds()).map(({ build }) => build)
      expect(found.toSorted()).toEqual(builds)
    })

  it('take workflows once they are promoted, open ones too', async () => {
    expect(await deployments.builds()).toEqual([])
    await work('one')
    await known('one')
    await expect(deployments.promote('on')).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('Did you mean "one"?'),
    })
    await deployments.promote('one')
    const run = await kit.start('versioned', {
      steps: {
        held: { uses: 'wait', with: { event: true } },
        after: kit.post('/ok/versioned', { needs: 'held' }),
      },
    })
    await eventually(async () => expect(await kit.states(run)).toEqual({ held: 'running' }))
    const buildOf = async () => {
      const { raw } = await harness.client.workflow.getHandle(run.workflowId).describe()
      return raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId
    }
    expect(await buildOf()).toBe('one')

    await work('two')
    await known('one', 'two')
    await deployments.promote('two', 30)
    expect(await deployments.builds()).toEqual(
      expect.arrayContaining([
        { build: 'one', role: 'current', percent: null, drainage: null },
        { build: 'two', role: 'ramping', percent: 30, drainage: null },
      ]),
    )
    await deployments.promote('two')
    await harness.client.workflow.getHandle(run.workflowId).executeUpdate(answerStep, {
      args: [
        {
          runId: run.id,
          step: 'held',
          role: 'operator',
          answer: { kind: 'release', by: 'key:test', payload: null },
        },
      ],
    })
    expect((await harness.ended(run)).status).toBe('succeeded')
    expect(await buildOf()).toBe('two')
    expect(receiver.of('/ok/versioned')).toHaveLength(1)
  })

  it('are versioned only where that is configured', async () => {
    const { temporal, worker } = harness.config
    await expect(
      WorkerDeployments.connect({ temporal, worker: { ...worker, deployment: '' } }),
    ).rejects.toMatchObject({ code: 'configuration_invalid' })
  })
})
