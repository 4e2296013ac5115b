import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Page } from '../../contracts/rest/common.js'
import type { Lineage, LineageEvent } from '../../contracts/rest/lineage.js'
import type { OpenLineageRunEvent } from '../../domain/lineage/open-lineage.js'
import { expectation, suite } from '../../sdk/index.js'
import { uuidv7 } from '../../stores/ids.js'
import { LineageEventStore } from '../../stores/postgres/lineage-event-store.js'
import { relayLineage } from '../../worker/lineage-events.js'
import { bikeCsv, bikeTraining } from '../support/bike-data.js'
import { eventually } from '../support/eventually.js'
import { Harness, PROJECT } from '../support/harness.js'
import { throughOpenLineage } from '../support/open-lineage.js'
import { ingestRows } from '../support/prediction-files.js'
import { Receiver } from '../support/receiver.js'
import { TestApi } from './support/api.js'
import { pipelineCalls } from './support/pipeline-calls.js'

const CODE = { commit: 'c0ffee', dirty: true }

describe('lineage', () => {
  let receiver: Receiver
  let relay: Promise<void>
  const stopRelay = new AbortController()
  let harness: Harness
  let api: TestApi
  let run: string
  let training: string
  let drift: string
  beforeAll(async () => {
    receiver = await Receiver.start()
    harness = await Harness.start({
      env: {
        MLFORGE_ROLLOUTS_LOOK_EVERY_SECONDS: '0.2',
        MLFORGE_LINEAGE_URL: receiver.url('/ok/lineage'),
      },
    })
    const { config, database, logger } = harness
    const events = new LineageEventStore(database.dataSource)
    relay = relayLineage({ events, receiver: config.lineage, release: '1.2.3', logger }, stopRelay.signal)
    api = await TestApi.beside(harness)
    const options = { columns: { dteday: { format: '%m/%d/%Y' } } }
    await harness.ended(await harness.commit('bike', bikeCsv(4), options))
    const { model: _, dataset: __, ...request } = bikeTraining({})
    const weekly = await calls.start(
      'weekly',
      {
        steps: {
          data: { uses: 'dataset', with: { dataset: 'bike@1' } },
          train: {
            uses: 'train',
            with: {
              model: 'demand',
              dataset: '${{ steps.data.name }}',
              version: '${{ steps.data.version }}',
              training: request,
            },
          },
        },
      },
      { code: CODE },
    )
    run = weekly.id
    const { steps } = await calls.ended(run, 'succeeded')
    training = steps.find(({ name }) => name === 'train')!.child!
  })
  afterAll(async () => {
    await api?.stop()
    stopRelay.abort()
    await relay
    await harness?.stop()
    await receiver?.stop()
  })

  const calls = pipelineCalls(() => api)
  const get = (id: string, query = '') => api.call('GET', `/v1/lineage/${id}${query}`, { key: 'mlf_viewer' })
  const lineage = async (id: string, query = '') => (await get(id, query)).body as Lineage
  const waysOf = ({ edges }: Pick<Lineage, 'edges'>) => edges.map(({ from, to, step }) => [from, to, step])

  it('leads from a model to its data, through the runs that have made it', async () => {
    const { nodes, edges, truncated } = await lineage('model:demand@1', '?direction=upstream')
    const commit = nodes.find(({ run: of }) => of?.kind === 'dataset')!
    expect(nodes.map(({ id, distance }) => [id, distance])).toEqual([
      ['model:demand@1', 0],
      [`run:${training}`, 1],
      [`run:${run}`, 2],
      ['dataset:bike@1', 2],
      [commit.id, 3],
    ])
    expect(nodes[0]).toEqual({
      id: 'model:demand@1',
      kind: 'model',
      name: 'demand',
      version: 1,
      window: null,
      run: null,
      distance: 0,
    })
    expect(nodes[1]).toMatchObject({
      kind: 'run',
      name: 'demand',
      run: { id: training, kind: 'training', status: 'succeeded' },
    })
    expect(waysOf({ edges }).sort()).toEqual(
      [
        [commit.id, 'dataset:bike@1', 'commit'],
        ['dataset:bike@1', `run:${training}`, 'prepare'],
        ['dataset:bike@1', `run:${run}`, 'data'],
        [`run:${run}`, `run:${training}`, null],
        [`run:${training}`, 'model:demand@1', 'register'],
      ].sort(),
    )
    expect(edges.every(({ at }) => new Date(at).getTime() <= Date.now())).toBe(true)
    expect(truncated).toBe(false)
  })

  it('leads from data to what was made of them, as far as it is asked to', async () => {
    const { nodes, truncated } = await lineage('dataset:bike@1', '?direction=downstream&depth=1')
    expect(nodes.map(({ id }) => id).sort()).toEqual(
      ['dataset:bike@1', `run:${run}`, `run:${training}`].sort(),
    )
    expect(truncated).toBe(true)
    const few = await lineage('dataset:bike@1', '?direction=downstream&limit=2')
    expect(few).toMatchObject({ nodes: { length: 2 }, edges: { length: 1 }, truncated: true })
  })

  it('has the code that a run was asked for by, through the pipelines that it runs', async () => {
    const { body: version } = await api.call('GET', '/v1/models/demand/versions/1')
    expect(version).toMatchObject({ lineage: { run: training, userCode: CODE } })
    const steps = { weekly: { uses: 'subpipeline', with: { pipeline: 'weekly' } } }
    const nightly = await calls.start('nightly', { steps }, { code: CODE })
    expect(nightly).toMatchObject({ code: CODE })
    const done = await calls.ended(nightly.id, 'succeeded')
    expect(await calls.get(done.steps[0]!.child!)).toMatchObject({ pipeline: 'weekly', code: CODE })
    expect(await calls.post('nightly', { code: { commit: '', dirty: 1 } })).toMatchObject({
      status: 400,
      body: { problems: [{ at: 'code.commit' }, { at: 'code.dirty' }] },
    })
  })

  it('leads to a model from a run that has taken its training over', async () => {
    const { body } = await calls.post('weekly')
    const again = (body as { id: string }).id
    const { steps } = await calls.ended(again, 'succeeded')
    expect(steps.find(({ name }) => name === 'train')).toMatchObject({
      cachedFrom: { runId: run, step: 'train' },
    })
    const { nodes, edges } = await lineage(again, '?direction=downstream')
    expect(nodes.map(({ id }) => id)).toContain('model:demand@1')
    expect(waysOf({ edges })).toContainEqual([`run:${again}`, `run:${training}`, 'train'])
  })

  it('of a run is asked for by its id alone', async () => {
    const { nodes } = await lineage(training)
    expect(nodes.map(({ id }) => id)).toContain('model:demand@1')
    expect(nodes[0]!.id).toBe(`run:${training}`)
  })

  it('says what a check has found, and that somebody has passed the data all the same', async () => {
    const rows = suite('bike', [
      expectation('expect_table_row_count_to_be_between', { min_value: 1_000_000 }),
    ])
    const body = { suite: rows }
    expect(await api.call('PUT', '/v1/datasets/bike/expectations', { body })).toMatchObject({ status: 200 })
    const gate = { uses: 'gate', with: { dataset: 'bike' } }
    const { id: gated } = await calls.start('gated', { steps: { gate } })
    await eventually(async () =>
      expect(
        await calls.verb(gated, 'steps/gate/approve', { reason: 'a short month' }, 'mlf_admin'),
      ).toMatchObject({ status: 200 }),
    )
    await calls.ended(gated, 'succeeded')
    const { edges, nodes } = await lineage(gated)
    expect(edges).toContainEqual({
      from: 'dataset:bike@1',
      to: `run:${gated}`,
      step: 'gate',
      details: { override: { by: expect.any(String), reason: 'a short month' } },
      at: expect.any(String),
    })
    const report = nodes.find(({ kind }) => kind === 'report')!
    expect(report).toMatchObject({ name: 'bike', run: { kind: 'validation', status: 'refused' } })
    expect(edges).toContainEqual(
      expect.objectContaining({ from: report.id, to: `run:${gated}`, step: 'gate' }),
    )
  })

  it('leads to the reports of trainings and of steps', async () => {
    expect(waysOf(await lineage(`report:${training}`, '?direction=upstream'))).toEqual(
      expect.arrayContaining([
        [`run:${training}`, `report:${training}`, 'evaluate'],
        ['dataset:bike@1', `run:${training}`, 'prepare'],
      ]),
    )
    const table = '${{ steps.data.table }}'
    const rows = [expectation('expect_table_row_count_to_be_between', { min_value: 1 })]
    const commit = await harness.ended(await harness.commit('few', 'a\n1\n', { expectations: rows }))
    expect(waysOf(await lineage(commit.id, '?direction=downstream'))).toEqual([
      [`run:${commit.id}`, `report:${commit.id}`, 'validate'],
      [`run:${commit.id}`, 'dataset:few@1', 'commit'],
    ])
    const { id } = await calls.start('checks', {
      steps: {
        data: { uses: 'dataset', with: { dataset: 'bike@1' } },
        check: { uses: 'validate', with: { table, expectations: rows } },
        score: { uses: 'evaluate', with: { model: 'demand', version: 1, table } },
      },
    })
    await calls.ended(id, 'succeeded')
    expect(waysOf(await lineage(id, '?direction=downstream'))).toEqual([
      [`run:${id}`, `report:${id}@check`, 'check'],
      [`run:${id}`, `report:${id}@score`, 'score'],
    ])
    const { nodes } = await lineage(`report:${id}@score`, '?direction=upstream')
    expect(nodes[0]).toMatchObject({ name: 'checks', run: { id, kind: 'pipeline' } })
    expect(nodes.map(node => node.id)).toEqual(expect.arrayContaining(['dataset:bike@1', 'model:demand@1']))
  })

  it('leads from a version to the windows that it has answered in, and on to what was found of them', async () => {
    const { database, ports } = harness
    const { id: deploymentId } = await ports.deployments.create(PROJECT, 'rides', 'demand', 'key:test')
    const policy = await api.call('PUT', '/v1/deployments/rides/monitoring', { body: {} })
    expect(policy).toMatchObject({ status: 200 })
    const [start, end] = [Date.UTC(2011, 4), Date.UTC(2011, 5)]
    const features = Object.fromEntries(bikeTraining().features.map(name => [name, 1]))
    const rowAt = (eventTime: number) => ({ id: uuidv7(), version: 1, eventTime, features, output: 5 })
    await ingestRows(
      { objects: ports.objects, dataSource: database.dataSource },
      { project: PROJECT, deploymentId, deployment: 'rides' },
      [rowAt(start), rowAt(start + 3_600_000)],
    )
    const { id } = await harness.ended(
      await harness.accept('drift', 'rides', { windowId: '2011-05', start, end }),
    )
    drift = id
    const window = 'window:rides@2011-05'
    expect(waysOf(await lineage(window, '?direction=upstream&depth=2'))).toEqual(
      expect.arrayContaining([
        [`run:${id}`, window, 'collect'],
        ['model:demand@1', `run:${id}`, 'record'],
      ]),
    )
    expect(waysOf(await lineage('model:demand@1', '?direction=downstream'))).toEqual(
      expect.arrayContaining([
        [`run:${id}`, window, 'collect'],
        [window, `run:${id}`, 'record'],
        [`run:${id}`, `report:${id}`, 'record'],
      ]),
    )
  })

  it('is told to a receiver of OpenLineage events', async () => {
    const told = await eventually(() => {
      const events = receiver.of('/ok/lineage').map(({ body }) => body as OpenLineageRunEvent)
      const ofTraining = events.filter(event => event.run.runId === training)
      expect(ofTraining.map(({ eventType }) => eventType)).toEqual(['START', 'COMPLETE'])
      for (const id of [run, drift]) {
        expect(events.filter(event => event.run.runId === id)).toHaveLength(2)
      }
      return events
    })
    const complete = told.find(event => event.run.runId === training && event.eventType === 'COMPLETE')
    expect(complete).toMatchObject({
      job: { namespace: 'mlforge', name: 'training/demand' },
      run: { facets: { parent: { run: { runId: run }, job: { name: 'pipeline/weekly' } } } },
      inputs: [
        {
          name: 'dataset:bike',
          facets: {
            version: { datasetVersion: '1' },
            schema: {
              fields: expect.arrayContaining([expect.objectContaining({ name: 'cnt', type: 'integer' })]),
            },
          },
        },
      ],
      outputs: [
        { name: 'model:demand', facets: { version: { datasetVersion: '1' } } },
        { name: `report:${training}`, facets: { datasetType: { datasetType: 'REPORT' } } },
      ],
    })
    expect(told.find(event => event.run.runId === drift && event.eventType === 'COMPLETE')).toMatchObject({
      job: { name: 'drift/rides' },
      outputs: [
        { name: `report:${drift}` },
        { name: 'window:rides', facets: { version: { datasetVersion: '2011-05' } } },
      ],
    })
    await throughOpenLineage(told)
    const { body } = await api.call('GET', '/v1/lineage-events?state=sent&limit=200', { key: 'mlf_viewer' })
    expect((body as Page<LineageEvent>).items).toContainEqual({
      run: training,
      attempt: 1,
      type: 'COMPLETE',
      at: complete!.eventTime,
      state: 'sent',
      tries: 1,
      dueAt: null,
      sentAt: expect.any(String),
      error: null,
    })
    expect(await api.call('GET', '/v1/lineage-events?state=lost')).toMatchObject({ status: 400 })
  })

  it.each(['bike', 'dataset:bike', 'dataset:bike@latest', 'feature:bike@1', '%20'])(
    'of "%s" is a bad request',
    async id => {
      expect(await get(id)).toMatchObject({
        status: 400,
        body: { code: 'invalid_request', problems: [{ at: 'path {id}' }] },
      })
    },
  )

  it.each(['dataset:bike@2', 'dataset:other@1', 'model:demand@2', 'deployment:none', 'window:none@2012-01'])(
    'of %s, which is not there, is not found',
    async id => {
      expect(await get(id)).toMatchObject({ status: 404, body: { code: 'not_found' } })
    },
  )

  it.each(['?direction=sideways', '?depth=0', '?depth=101', '?limit=2001', '?depth=two'])(
    'with %s is a bad request',
    async query => {
      expect(await get('dataset:bike@1', query)).toMatchObject({ status: 400 })
    },
  )
})
