import { describe, expect, it } from '@jest/globals'
import { compilePipeline } from '../../../domain/pipelines/compile.js'
import type { VersionSelector } from '../../../domain/data/selector.js'
import { movingSelectors, movingSuites, selectorOf, suiteSelectorOf } from '../../../domain/pipelines/pins.js'

describe('movingSelectors', () => {
  const selectors = (dataset: string, parameters: Record<string, string> = {}) => {
    const source = {
      parameters: { name: { type: 'string', default: 'bike' } },
      steps: {
        ask: { uses: 'wait', with: { event: true } },
        data: { uses: 'dataset', with: { dataset } },
        each: {
          uses: 'map',
          with: { items: ['a'] },
          do: { uses: 'dataset', with: { dataset: '${{ item }}' } },
        },
      },
    }
    const { definition, problems } = compilePipeline(source, 'daily')
    expect(problems).toEqual([])
    return movingSelectors(definition!, { name: 'bike', ...parameters })
  }

  it.each<[string, string, VersionSelector]>([
    ['bike', 'bike', { kind: 'latest' }],
    ['bike@latest', 'bike', { kind: 'latest' }],
    ['bike@gold', 'bike', { kind: 'ref', name: 'gold' }],
    ['bike@{2026-01-31T12:00:00Z}', 'bike', { kind: 'at', at: Date.UTC(2026, 0, 31, 12) }],
    ['${{ parameters.name }}@latest', 'bike', { kind: 'latest' }],
    ['rows-of-${{ run.pipeline }}', 'rows-of-daily', { kind: 'latest' }],
  ])('fixes %s', (given, dataset, selector) => {
    expect(selectors(given)).toEqual([{ step: 'data', dataset, selector }])
  })

  it.each([
    'bike@3',
    '${{ steps.ask.payload }}',
    '${{ run.id }}',
    '${{ parameters.name }}@Soon!',
    '${{ parameters.name }}@b@c',
  ])('leaves %s', given => {
    expect(selectors(given)).toEqual([])
  })
})

it.each(['bike@0', 'bike@', 'bike@V1', 'bike@{soon}', 'bike@{2026-13-01}', 'bike@1@2'])(
  '%s selects nothing',
  text => {
    expect(() => selectorOf(text)).toThrow('names no version of a dataset')
  },
)

describe('movingSuites', () => {
  it.each<[string, readonly string[]]>([
    ['rides', ['rides']],
    ['${{ parameters.name }}', ['bike']],
    ['rides-of-${{ run.pipeline }}', ['rides-of-daily']],
    ['rides@3', []],
    ['${{ steps.ask.payload }}', []],
    ['${{ run.id }}', []],
  ])('of %s are %j', (suite, datasets) => {
    const source = {
      parameters: { name: { type: 'string', default: 'bike' } },
      steps: {
        ask: { uses: 'wait', with: { event: true } },
        data: { uses: 'dataset', with: { dataset: 'bike@1' } },
        check: { uses: 'validate', with: { table: '${{ steps.data.table }}', suite } },
      },
    }
    const { definition, problems } = compilePipeline(source, 'daily')
    expect(problems).toEqual([])
    const found = movingSuites(definition!, { name: 'bike' })
    expect(found).toEqual(datasets.map(dataset => ({ step: 'check', dataset })))
  })
})

it('a suite is named by its dataset, and by its number', () => {
  expect(suiteSelectorOf('rides')).toEqual({ dataset: 'rides', version: null })
  expect(suiteSelectorOf('rides@12')).toEqual({ dataset: 'rides', version: 12 })
})

it.each(['rides@0', 'rides@latest', 'Rides', '@1', 'rides@', ''])('%j names no suite', text => {
  expect(() => suiteSelectorOf(text)).toThrow('names no suite')
})

it.each([
  ['neither', {}],
  ['both', { suite: 'rides', expectations: [] }],
])('a validate step with %s of a suite and expectations is refused when it is applied', (_, given) => {
  const check = { uses: 'validate', with: { table: '${{ steps.data.table }}', ...given } }
  const source = { steps: { data: { uses: 'dataset', with: { dataset: 'bike' } }, check } }
  expect(compilePipeline(source, 'daily').problems).toEqual([
    {
      path: ['steps', 'check'],
      message: expect.stringContaining('needs one of the inputs expectations, suite'),
    },
  ])
})
