import { describe, expect, it } from '@jest/globals'
import type { Json } from '../../../domain/canonical-json.js'
import { compilePipeline } from '../../../domain/pipelines/compile.js'
import { givenProblems, resolveGiven } from '../../../domain/pipelines/given-parameters.js'
import { PAYLOADS, type SensorSource } from '../../../domain/sensors/sensor.js'

describe('parameters that a sensor gives', () => {
  const { definition } = compilePipeline(
    {
      parameters: {
        path: { type: 'string' },
        rows: { type: 'integer', default: 1 },
        all: { type: 'json', default: null },
      },
      steps: { ask: { uses: 'wait', with: { event: true } } },
    },
    'ingest',
  )
  const problems = (given: Record<string, Json>, kind: SensorSource['kind'] = 'directory') =>
    givenProblems(definition!, given, { root: 'tick', known: PAYLOADS[kind] }).map(
      ({ at, message }) => `${at}: ${message}`,
    )

  it('may be values, ticks, and text around them', () => {
    expect(problems({ path: 'x', rows: 2 })).toEqual([])
    expect(problems({ path: '${{ tick.path }}', all: { in: ['${{ tick }}'] } })).toEqual([])
    expect(problems({ path: 'at ${{ tick.path }}, $${{ as it stands }}' })).toEqual([])
    expect(problems({ path: '${{ tick.anything.at.all }}' }, 'webhook')).toEqual([])
  })

  it.each([
    [{}, 'parameters.path: It has no default'],
    [{ path: 1 }, 'parameters.path: '],
    [{ path: 'x', row: '${{ tick.bytes }}' }, 'no parameter "row". Did you mean "rows"?'],
    [{ path: '${{ tick.pth }}' }, 'has no "pth". Did you mean "path"?'],
    [{ path: '${{ steps.load.table }}' }, '"steps.load.table" means nothing here'],
    [{ path: '${{ tick.path' }, 'has no closing }}'],
    [{ path: '${{ nonsense }}' }, '"nonsense" is no reference'],
  ])('%j: %s', (given, message) => {
    expect(problems(given as Record<string, Json>)).toEqual([expect.stringContaining(message)])
  })

  it('are those of the tick', () => {
    const given = { path: '${{ tick.path }}', all: ['${{ tick }}', 'at ${{ tick.deep.0 }}'] }
    const tick = { path: 'a.csv', deep: [7] }
    expect(resolveGiven(given, 'tick', tick)).toEqual({ path: 'a.csv', all: [tick, 'at 7'] })
    expect(() => resolveGiven(given, 'tick', { path: 'a.csv' })).toThrow('has nothing at deep.0')
    expect(() => resolveGiven({ path: '${{ run.id }}' }, 'tick', tick)).toThrow('means nothing here')
  })

  it('stand for nothing in the steps of a pipeline', () => {
    const source = { steps: { ask: { uses: 'http', with: { url: '${{ tick.path }}' } } } }
    expect(compilePipeline(source, 'other').problems).toMatchObject([
      { message: expect.stringContaining('only known in the parameters of a sensor') },
    ])
  })
})
