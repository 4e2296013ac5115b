import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { compilePipeline } from '../../../domain/pipelines/compile.js'
import { compensatedBy, compensationOf, rollBackOrder } from '../../../domain/pipelines/compensations.js'
import type { GraphStep } from '../../../domain/pipelines/progress.js'

describe('rollBackOrder', () => {
  const chain: GraphStep[] = [
    { name: 'a', needs: [] },
    { name: 'b', needs: [0] },
    { name: 'c', needs: [1] },
    { name: 'd', needs: [0] },
  ]

  it.each([
    ['what follows first, and of the others the youngest', [10, 20, 30, 40], [3, 2, 1, 0]],
    ['what follows first, also where clocks say otherwise', [40, 30, 20, 10], [2, 1, 3, 0]],
  ])('undoes %s', (_, times, order) => {
    expect(
      rollBackOrder(
        { steps: chain },
        times.map((finishedAt, at) => ({ at, finishedAt })),
      ),
    ).toEqual(order)
  })

  it('knows what follows also where steps between cannot be undone', () => {
    const undoable = [
      { at: 0, finishedAt: 9 },
      { at: 2, finishedAt: 1 },
    ]
    expect(rollBackOrder({ steps: chain }, undoable)).toEqual([2, 0])
  })

  it('undoes each once, and none before what needs it', () => {
    const graphs = fc
      .array(fc.tuple(fc.array(fc.nat(100), { maxLength: 3 }), fc.nat(5), fc.boolean()), { maxLength: 12 })
      .map(steps =>
        steps.map(([needs, finishedAt, can], at) => ({
          step: { name: `s${at}`, needs: at === 0 ? [] : [...new Set(needs.map(need => need % at))] },
          finishedAt,
          can,
        })),
      )
    fc.assert(
      fc.property(graphs, given => {
        const steps = given.map(({ step }) => step)
        const undoable = given.flatMap(({ finishedAt, can }, at) => (can ? [{ at, finishedAt }] : []))
        const order = rollBackOrder({ steps }, undoable)
        expect(order.toSorted((a, b) => a - b)).toEqual(undoable.map(({ at }) => at))
        for (const [place, at] of order.entries())
          for (const need of steps[at]!.needs) expect(order.slice(0, place)).not.toContain(need)
      }),
    )
  })
})

it('names what undoes a step by a path that no step can have', () => {
  expect(compensatedBy(compensationOf('promote'))).toBe('promote')
  expect(compensatedBy('promote')).toBeNull()
})

describe('compilePipeline', () => {
  const promote = { uses: 'promote', with: { model: 'm', version: 2 } }
  const back = (inputs: object = {}, more: object = {}) => ({
    uses: 'promote',
    with: { model: 'm', version: '${{ steps.up.previous }}', ...inputs },
    ...more,
  })
  const problems = (steps: object, more: object = {}) =>
    compilePipeline({ steps, ...more }, 'p').problems.map(
      ({ path, message }) => `${path.join('.')}: ${message}`,
    )

  it('keeps what undoes a step, which adds no need', () => {
    const { definition } = compilePipeline(
      { rollBack: 'on_request', steps: { up: { ...promote, compensate: back() } } },
      'p',
    )
    expect(definition).toMatchObject({ rollBack: 'on_request', steps: [{ needs: [], compensate: back() }] })
    expect(
      compilePipeline({ rollBack: 'on_failure', steps: { up: promote } }, 'p').definition,
    ).not.toHaveProperty('rollBack')
  })

  it.each([
    [
      'another step',
      {
        up: { ...promote, compensate: back({ version: '${{ steps.late.status }}' }) },
        late: { uses: 'notify', needs: 'up', with: { url: 'http://x', text: 't' } },
      },
      'steps.up.compensate.with.version: Step "late" may not have ended when "up" is undone. Refer to "up" and what it needs.',
    ],
    [
      'a wait',
      { up: { ...promote, compensate: { uses: 'approve', with: { message: 'Sure?' } } } },
      'steps.up.compensate.uses: "approve" cannot undo a step. Use one that acts by itself.',
    ],
    [
      'a map',
      { up: { ...promote, compensate: { uses: 'map', with: { items: [] } } } },
      'steps.up.compensate.uses: "map" cannot undo a step. Use one that acts by itself.',
    ],
    [
      'a cache',
      { up: { ...promote, compensate: back({}, { cache: true }) } },
      'steps.up.compensate.cache: There is no field "cache" here. Known: uses, with, timeout, retry, pool.',
    ],
    [
      'an unknown input',
      { up: { ...promote, compensate: back({ modl: 'x' }) } },
      'steps.up.compensate.with.modl: "promote" has no input "modl". Did you mean "model"? Known: model, version, alias.',
    ],
    [
      'an output of another type',
      { up: { ...promote, compensate: back({ version: '${{ run.id }}' }) } },
      'steps.up.compensate.with.version: run.id is text; expected is a whole number.',
    ],
  ])('refuses %s', (_, steps, problem) => {
    expect(problems(steps)).toEqual([problem])
  })

  it('refuses another time for a roll back', () => {
    expect(problems({ up: promote }, { rollBack: 'always' })).toEqual([
      'rollBack: "always" is not one of on_failure, on_request.',
    ])
  })
})
