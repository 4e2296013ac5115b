import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Run } from '../../stores/postgres/entities/run.js'
import { eventually } from '../support/eventually.js'
import { Harness } from '../support/harness.js'
import { brief, PipelineRuns } from '../support/pipeline-runs.js'

const FLOOD = 300
const FEW = 10

/** Many small steps at the same time: each is one activity on the queue that everybody shares. */
const steps = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`s${i}`, brief()]))

describe('one worker with one slot', () => {
  let harness: Harness
  let runs: PipelineRuns
  beforeAll(async () => {
    harness = await Harness.start({ env: { MLFORGE_WORKER_IO_SLOTS: '1' } })
    runs = new PipelineRuns(harness)
    for (const project of ['flood', 'few']) {
      await runs.apply('hundred', { parallel: 100, steps: steps(100) }, project)
      await runs.apply('ten', { parallel: FEW, steps: steps(FEW) }, project)
    }
  })
  afterAll(() => harness.stop())

  /** When the steps of some runs ended, in that order. */
  const ends = async (some: readonly Run[]): Promise<number[]> => {
    const rows = (await Promise.all(some.map(({ id }) => harness.ports.ledger.steps(id)))).flat()
    return rows.map(({ finishedAt }) => finishedAt.getTime()).sort((a, b) => a - b)
  }
  /** Once all of some runs work, so that most of their steps wait. */
  const underWay = (some: readonly Run[]): Promise<void> =>
    eventually(async () => {
      for (const run of some) expect((await harness.ports.ledger.steps(run.id)).length).toBeGreaterThan(0)
      expect((await ends(some)).length).toBeLessThan(0.7 * FLOOD)
    })
  const closed = async (some: readonly Run[]): Promise<void> => {
    await eventually(async () => {
      for (const { project, id } of some) {
        expect((await harness.ports.runs.get(project, id)).status).toBe('succeeded')
      }
    })
  }
  /** Steps of the others that ended before the last of those few. */
  const before = async (few: Run, others: readonly Run[]): Promise<number> => {
    const last = (await ends([few])).at(-1)!
    return (await ends(others)).filter(end => end <= last).length
  }

  it('does the work of a project between that of another one that floods it', async () => {
    const flood = await Promise.all([1, 2, 3].map(() => runs.begin('hundred', { project: 'flood' })))
    await underWay(flood)
    const few = await runs.begin('ten', { project: 'few' })
    await closed([few, ...flood])
    expect(await ends(flood)).toHaveLength(FLOOD)
    // In the order of their coming all of the flood would have ended before.
    expect(await before(few, flood)).toBeLessThan(0.9 * FLOOD)
  })

  it('does what is urgent before what is not', async () => {
    const patient = await Promise.all(
      [1, 2, 3].map(() => runs.begin('hundred', { project: 'flood', priority: 5 })),
    )
    await underWay(patient)
    const urgent = await runs.begin('ten', { project: 'flood', priority: 1 })
    await closed([urgent, ...patient])
    expect(await before(urgent, patient)).toBeLessThan(0.9 * FLOOD)
  })
})
