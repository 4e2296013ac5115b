import { describe, expect, it } from '@jest/globals'
import { compilePipeline } from '../../../domain/pipelines/compile.js'
import { located } from '../../../domain/pipelines/problems.js'
import { concurrencyKey } from '../../../domain/pools/concurrency.js'

const STEP = { uses: 'compare', with: { candidate: 1, reference: 2 } }
const compiled = (more: object, step: object = STEP) =>
  compilePipeline({
    name: 'p',
    parameters: { region: { type: 'string' }, shape: { type: 'json', default: {} } },
    steps: { a: step },
    ...more,
  })

describe('what a definition says of concurrency', () => {
  it('is kept complete', () => {
    const { definition, problems } = compiled(
      { concurrency: { limit: 2, key: '${{ parameters.region }}' }, priority: 2 },
      { ...STEP, pool: 'gpu' },
    )
    expect(problems).toEqual([])
    expect(definition).toMatchObject({
      concurrency: { limit: 2, key: '${{ parameters.region }}', whenFull: 'queue' },
      priority: 2,
      steps: [{ name: 'a', pool: { name: 'gpu', slots: 1 } }],
    })
    const map = { uses: 'map', with: { items: [1] }, do: { ...STEP, pool: { name: 'gpu', slots: 3 } } }
    expect(compiled({}, map).definition!.steps[0]!.do!.pool).toEqual({ name: 'gpu', slots: 3 })
  })

  it('adds nothing to a definition that says nothing of it', () => {
    const { definition } = compiled({})
    for (const field of ['concurrency', 'priority']) expect(definition).not.toHaveProperty(field)
    expect(definition!.steps[0]).not.toHaveProperty('pool')
  })

  it.each<[string, object, object, string, string]>([
    ['a priority of 0', { priority: 0 }, STEP, 'priority', '1 to 5'],
    ['a limit of 0', { concurrency: { limit: 0 } }, STEP, 'concurrency.limit', '1 to 1000'],
    ['no limit', { concurrency: {} }, STEP, 'concurrency', 'needs limit'],
    ['a list', { concurrency: [] }, STEP, 'concurrency', 'keys and values'],
    [
      'another answer when full',
      { concurrency: { limit: 1, whenFull: 'queeu' } },
      STEP,
      'concurrency.whenFull',
      'Did you mean "queue"?',
    ],
    [
      'an unknown parameter',
      { concurrency: { limit: 1, key: '${{ parameters.regoin }}' } },
      STEP,
      'concurrency.key',
      'Did you mean "region"?',
    ],
    [
      'a step as key',
      { concurrency: { limit: 1, key: '${{ steps.a.ratio }}' } },
      STEP,
      'concurrency.key',
      'parameters only',
    ],
    [
      'no reference',
      { concurrency: { limit: 1, key: '${{ nothing' } },
      STEP,
      'concurrency.key',
      'no closing',
    ],
    ['a pool that cannot be', {}, { ...STEP, pool: 'GPU 1' }, 'steps.a.pool', 'cannot name a pool'],
    ['a pool without a name', {}, { ...STEP, pool: { slots: 2 } }, 'steps.a.pool', 'needs the name'],
    ['no slots', {}, { ...STEP, pool: { name: 'gpu', slots: 0 } }, 'steps.a.pool.slots', '1 to 10000'],
    [
      'an unknown field of a pool',
      {},
      { ...STEP, pool: { name: 'gpu', slot: 1 } },
      'steps.a.pool.slot',
      'Did you mean "slots"?',
    ],
  ])('cannot be %s', (_, more, step, at, message) => {
    const { definition, problems } = compiled(more, step)
    expect(definition).toBeNull()
    expect(problems.map(located)).toEqual([{ at, message: expect.stringContaining(message) }])
  })

  it.each([
    [undefined, null],
    ['all', 'all'],
    ['${{ parameters.region }}', 'eu'],
    ['of ${{ parameters.region }}', 'of eu'],
    ['${{ parameters.shape }}', '{"a":[1]}'],
    ['${{ parameters.shape.a }}', '[1]'],
  ])('counts runs by the key %p as %p', (key, expected) => {
    const parameters = { region: 'eu', shape: { a: [1] } }
    expect(concurrencyKey(key === undefined ? {} : { key }, parameters)).toBe(expected)
  })
})
