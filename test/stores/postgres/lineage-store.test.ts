import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type LineageNode, nodeId } from '../../../domain/lineage/nodes.js'
import type { LineageDirection } from '../../../domain/lineage/walk.js'
import { walk } from '../../../domain/lineage/walk.js'
import { uuidv7 } from '../../../stores/ids.js'
import { reads, remarks, traced, writes } from '../../../stores/lineage-scope.js'
import { LedgerStore } from '../../../stores/postgres/ledger-store.js'
import { copyEdges, LineageStore } from '../../../stores/postgres/lineage-store.js'
import { Lineage1765800000000 } from '../../../stores/postgres/migrations/1765800000000-lineage.js'
import { ModelStore } from '../../../stores/postgres/model-store.js'
import type { AcceptRun } from '../../../stores/postgres/run-acceptance.js'
import { RunStore } from '../../../stores/postgres/run-store.js'
import { acceptedRun } from '../../support/accepted-run.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'

const PROJECT = 'default'
const dataset = (version: number): LineageNode => ({ kind: 'dataset', name: 'bike', version })
const model = (version: number): LineageNode => ({ kind: 'model', name: 'demand', version })

describe('lineage', () => {
  let database: TestDatabase
  let ledger: LedgerStore
  let runs: RunStore
  let store: LineageStore
  beforeAll(async () => {
    database = await testDatabase()
    ledger = new LedgerStore(database.dataSource)
    runs = new RunStore(database.dataSource)
    store = new LineageStore(database.dataSource)
  })
  afterAll(() => database.drop())

  const accept = (more?: Partial<AcceptRun>) => acceptedRun(runs, more)
  const step = (runId: string, name: string, effect: () => Promise<object>) =>
    traced(async () => {
      const ref = { runId, step: name, generation: 1, attempt: 1 }
      const begun = await ledger.begin(ref, 'worker')
      return 'outcome' in begun ? begun.outcome : ledger.finish(ref, begun.fence, effect)
    })
  const trains = (runId: string, from: LineageNode, to: LineageNode) =>
    step(runId, 'register', async () => {
      reads(from)
      writes(to)
      return Promise.resolve({})
    })
  const graph = async (start: LineageNode, direction: LineageDirection = 'both', project = PROJECT) => {
    const { edges } = await walk(nodeId(start), { direction, depth: 20, limit: 100 }, store.edgesOf(project))
    return edges.map(({ from, to, step: at }) => [from, to, at]).sort()
  }
  const rows = async (runId: string) =>
    database.dataSource.query('SELECT step, relation, node, details FROM lineage_edges WHERE run_id = $1', [
      runId,
    ])

  it('is there with the outcome of a step, once, however often the step is asked for', async () => {
    const runId = await accept()
    await trains(runId, dataset(1), model(1))
    await trains(runId, dataset(1), model(2))
    expect(await graph(model(1))).toEqual([
      ['dataset:bike@1', `run:${runId}`, 'register'],
      [`run:${runId}`, 'model:demand@1', 'register'],
    ])
    expect(await graph(model(1), 'downstream')).toEqual([])
    expect(await graph(model(1), 'both', 'other')).toEqual([])
    expect(await graph(model(2))).toEqual([])
  })

  it('is not there where the step was not committed', async () => {
    const runId = await accept()
    const failed = step(runId, 'register', async () => {
      writes(model(3))
      return Promise.reject(new Error('no room'))
    })
    await expect(failed).rejects.toThrow('no room')
    expect(await rows(runId)).toEqual([])
  })

  it('of items of a map is that of the map, with what has to be known', async () => {
    const runId = await accept()
    for (const index of [0, 1]) {
      await step(runId, `each/${index}`, async () => {
        reads(dataset(4))
        remarks({ override: { by: 'key:ann', reason: 'known' } })
        return Promise.resolve({})
      })
    }
    const details = { override: { by: 'key:ann', reason: 'known' } }
    expect(await rows(runId)).toEqual([{ step: 'each', relation: 'read', node: 'dataset:bike@4', details }])
  })

  it('of a step that takes over what another has given is that of the other', async () => {
    const [first, second] = [await accept(), await accept()]
    await trains(first, dataset(5), model(5))
    await database.dataSource.transaction(transaction =>
      copyEdges(transaction, { runId: first, step: 'register' }, { runId: second, step: 'again' }),
    )
    expect(await graph(model(5), 'upstream')).toEqual(
      [
        ['dataset:bike@5', `run:${first}`, 'register'],
        ['dataset:bike@5', `run:${second}`, 'again'],
        [`run:${first}`, 'model:demand@5', 'register'],
        [`run:${second}`, 'model:demand@5', 'again'],
      ].sort(),
    )
  })

  it('leads from a run to those that it has started', async () => {
    const parent = await accept()
    const child = await accept({ principal: `pipeline:${parent}` })
    await trains(child, dataset(6), model(6))
    expect(await graph({ kind: 'run', run: parent }, 'downstream')).toEqual(
      [
        [`run:${child}`, 'model:demand@6', 'register'],
        [`run:${parent}`, `run:${child}`, ''],
      ].sort(),
    )
    expect(await store.runs(PROJECT, [child])).toEqual([
      { id: child, kind: 'training', name: 'demand', status: 'accepted' },
    ])
  })

  it('knows what there is, whether anything was made of it or not', async () => {
    const runId = await accept()
    const window: LineageNode = { kind: 'window', name: 'serves', window: '2012-01' }
    const exists = (node: LineageNode, project = PROJECT) => store.exists(project, node)
    expect(await exists({ kind: 'run', run: runId })).toBe(true)
    expect(await exists({ kind: 'run', run: runId }, 'other')).toBe(false)
    expect(await exists({ kind: 'run', run: uuidv7() })).toBe(false)
    for (const node of [dataset(1), model(99), { kind: 'deployment', name: 'serves' } as const, window]) {
      expect(await exists(node)).toBe(false)
    }
    await step(runId, 'record', async () => {
      reads(window)
      return Promise.resolve({})
    })
    expect(await exists(window)).toBe(true)
  })

  it('is made of the rows of an earlier release, as far as they say it', async () => {
    const models = new ModelStore(database.dataSource)
    const parent = await accept()
    const runId = await accept({ name: 'old', principal: `training:${parent}`, trigger: 'pipeline' })
    const register = (effectKey: string, champion: number | null) =>
      database.dataSource.transaction(transaction =>
        models.register(transaction, PROJECT, 'old', {
          engine: 'xgboost',
          sha256: effectKey,
          artifacts: {},
          signature: {},
          metrics: {},
          gate: {},
          parity: {},
          lineage: { dataset: { name: 'bike', version: 7, root: 'r' }, champion },
          runId,
          effectKey,
        }),
      )
    await register('first', 1)
    // Another one is in the middle of its work.
    const open = await accept({ name: 'old', request: { dataset: { name: 'bike', version: 8 } } })
    await step(open, 'prepare', async () => Promise.resolve({}))
    await step(open, 'evaluate', async () => Promise.resolve({ championVersion: 1 }))
    await database.dataSource.query('DROP TABLE lineage_edges')
    const runner = database.dataSource.createQueryRunner()
    await new Lineage1765800000000().up(runner)
    await runner.release()
    expect(await graph({ kind: 'run', run: open })).toEqual(
      [
        ['dataset:bike@8', `run:${open}`, 'prepare'],
        ['model:old@1', `run:${open}`, 'evaluate'],
        [`run:${runId}`, 'model:old@1', 'register'],
        ['model:old@1', `run:${runId}`, 'evaluate'],
        ['dataset:bike@7', `run:${runId}`, 'prepare'],
        [`run:${parent}`, `run:${runId}`, ''],
      ].sort(),
    )
    expect(await graph({ kind: 'model', name: 'old', version: 1 }, 'upstream')).toEqual(
      [
        ['dataset:bike@7', `run:${runId}`, 'prepare'],
        ['model:old@1', `run:${runId}`, 'evaluate'],
        [`run:${parent}`, `run:${runId}`, ''],
        [`run:${runId}`, 'model:old@1', 'register'],
      ].sort(),
    )
  })
})
