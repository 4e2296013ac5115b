import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { arrivedRows } from '../../activities/rollout-rows.js'
import { LocalObjectStore } from '../../stores/objects/local-object-store.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import { LabelStore } from '../../stores/postgres/label-store.js'
import { PredictionStore } from '../../stores/postgres/prediction-store.js'
import { predictionRecord } from '../stores/segments/records.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { logPredictions } from '../support/prediction-log.js'

describe('rows that have arrived', () => {
  let database: TestDatabase
  let directory: string
  let ports: { predictions: PredictionStore; labels: LabelStore; objects: LocalObjectStore }
  let deployment: { id: string; name: string }
  beforeAll(async () => {
    database = await testDatabase()
    const { dataSource } = database
    directory = await mkdtemp(join(tmpdir(), 'mlforge-arrived-'))
    ports = {
      predictions: new PredictionStore(dataSource),
      labels: new LabelStore(dataSource),
      objects: new LocalObjectStore(directory),
    }
    const name = 'bike'
    const { id } = await new DeploymentStore(dataSource).create('default', name, 'bike-demand', 'key:test')
    deployment = { id, name }
  })
  afterAll(async () => {
    await database.drop()
    await rm(directory, { recursive: true, force: true })
  })

  const mirrored = { stable: 1, armsFrom: null, mirrorFrom: 2 }
  const split = { ...mirrored, armsFrom: 4 }
  const arrived = (compared: Parameters<typeof arrivedRows>[2]) => arrivedRows(ports, deployment.id, compared)
  const log = (sequence: number, revision: number) =>
    logPredictions(ports, database.dataSource, deployment, [
      predictionRecord(sequence, { deployment: deployment.name, revision }),
    ])

  it('are none where nothing is compared', async () => {
    expect(await arrived({ ...split, stable: null })).toBeNull()
    expect(await arrived({ ...mirrored, mirrorFrom: null })).toBeNull()
  })

  it('are others with each ingest of a plan that counts, and with each label', async () => {
    const before = await arrived(mirrored)
    await log(1, 1)
    expect(await arrived(mirrored)).toEqual(before)
    await log(2, 2)
    const after = await arrived(mirrored)
    expect(after).not.toEqual(before)
    await ports.labels.add(deployment.id, [{ predictionId: 'a', value: 1, at: new Date() }], 'key:test')
    expect(await arrived(mirrored)).not.toEqual(after)
  })

  it('are others for a rollout that has come to compare arms too: those rows were there before it asked', async () => {
    await log(3, 4)
    expect(await arrived(split)).not.toEqual(await arrived(mirrored))
  })
})
