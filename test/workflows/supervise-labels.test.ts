import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { LabelsLookedFor } from '../../contracts/temporal/monitoring.js'
import { uuidv7 } from '../../stores/ids.js'
import { eventually } from '../support/eventually.js'
import { Harness, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'
import { ingestRows } from '../support/prediction-files.js'

describe('superviseLabels', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await Harness.start({
      queues: ['workflows', 'io'],
      env: { MLFORGE_LABELS_HOLD_SECONDS: '0.5' },
    })
  })
  afterAll(() => harness.stop())

  const tick = (workflowId?: string) => harness.tick<LabelsLookedFor>('superviseLabels', workflowId)

  it('matches labels, reports those whose hold time is over, and takes the report back', async () => {
    const { deployments, labels, objects } = harness.ports
    const { id, name } = await deployments.create(PROJECT, 'bike', 'rides', 'key:test')
    const ingest = (predictionId: string) =>
      ingestRows(
        { objects, dataSource: harness.database.dataSource },
        { project: PROJECT, deploymentId: id, deployment: name },
        [{ id: predictionId, version: 1, eventTime: Date.UTC(2012, 0, 1), features: { temp: 1 }, output: 1 }],
      )
    await ingest('there')
    const at = new Date('2012-01-02T00:00:00Z')
    await labels.add(
      id,
      ['there', 'late', 'never'].map(predictionId => ({ predictionId, value: 1, at })),
      'key:test',
    )
    const workflowId = `${PROJECT}/system/superviseLabels/${uuidv7()}`
    expect(await tick(workflowId)).toMatchObject({ deployments: 1, matched: 1, failed: 0 })
    await record(harness.client, workflowId, 'superviseLabels.succeeded')
    await eventually(async () => {
      await tick()
      expect(await labels.summary(id)).toEqual({ labels: 3, corrections: 0, held: 0, unknown: 2 })
    })
    await ingest('late')
    expect(await tick()).toMatchObject({ matched: 1, reported: 0 })
    expect((await labels.unknown(id, {})).items.map(({ predictionId }) => predictionId)).toEqual(['never'])
  })
})
