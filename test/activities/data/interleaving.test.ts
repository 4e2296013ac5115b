import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Interleaving, type Work } from './interleaving.js'

const RUNS = 25

const pushes = fc.record({
  kind: fc.constant('push' as const),
  files: fc.uniqueArray(fc.nat({ max: 19 }), { minLength: 1, maxLength: 5 }),
  branch: fc.constantFrom('main', 'other'),
  lapses: fc.boolean(),
  /** Steps after which it is killed. */
  killedAfter: fc.oneof({ weight: 4, arbitrary: fc.constant(Infinity) }, fc.nat({ max: 6 })),
})
const collections = fc.record({
  kind: fc.constant('collect' as const),
  twice: fc.boolean(),
  killedAfter: fc.oneof({ weight: 3, arbitrary: fc.constant(Infinity) }, fc.nat({ max: 18 })),
})
const works = fc.array(fc.oneof({ weight: 3, arbitrary: pushes }, { weight: 2, arbitrary: collections }), {
  minLength: 4,
  maxLength: 12,
})
/** Who goes on next, and who else at the same time. */
const turns = fc.array(fc.record({ one: fc.nat({ max: 2 }), other: fc.nat({ max: 5 }) }), {
  minLength: 10,
  maxLength: 80,
})

interface Running {
  readonly work: Work
  left: number
}

describe('pushes and collections at the same time', () => {
  let bench: Interleaving
  beforeAll(async () => {
    bench = await Interleaving.start()
  })
  afterAll(() => bench?.stop())

  it('lose nothing of any version, whoever goes first and whoever is killed', async () => {
    const seen = { versions: 0, retired: 0 }
    await fc.assert(
      fc.asyncProperty(works, turns, async (planned, schedule) => {
        const project = await bench.project()
        const waiting = [...planned]
        const running: Running[] = []
        const step = async (one: Running): Promise<void> => {
          const { done } = one.left-- > 0 ? await one.work.next() : await one.work.return()
          if (done) running.splice(running.indexOf(one), 1)
        }
        const fill = (): void => {
          while (running.length < 3 && waiting.length > 0) {
            const next = waiting.shift()!
            const work =
              next.kind === 'push'
                ? bench.push(project, next.files, next.branch, next.lapses)
                : bench.collect(project, next.twice)
            running.push({ work, left: next.killedAfter })
          }
        }
        for (const { one, other } of schedule) {
          fill()
          const both = [running[one], running[other]].filter(each => each !== undefined)
          await Promise.all([...new Set(both)].map(step))
        }
        for (fill(); running.length > 0; fill()) await step(running[0]!)
        seen.versions += await bench.readAll(project)

        // What is left over is removed by the next collection; what is needed stays.
        for await (const _ of bench.collect(project));
        await bench.readAll(project)
        const all = await bench.ports.datasets.versions(project, bench.name, { limit: 200 })
        seen.retired += all.items.filter(({ retiredAt }) => retiredAt !== null).length
        const rows: { count: number }[] = await bench.database.dataSource.query(
          'SELECT count(*)::int AS count FROM data_packs WHERE project = $1',
          [project],
        )
        expect(await bench.objectsOf(project)).toBe(rows[0]!.count)
        if ((await bench.kept(project)).length === 0) expect(rows[0]!.count).toBe(0)
      }),
      { numRuns: RUNS, seed: 1_765_600 },
    )
    // It is about something.
    expect(seen.versions).toBeGreaterThan(RUNS)
    expect(seen.retired).toBeGreaterThan(RUNS / 4)
  })
})
