import { describe, expect, it } from '@jest/globals'
import { compilePipeline } from '../../../domain/pipelines/compile.js'
import { latestSelectors, selectorOf } from '../../../domain/pipelines/pins.js'

describe('latestSelectors', () => {
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
    return latestSelectors(definition!, { name: 'bike', ...parameters })
  }

  it.each([
    ['bike', 'bike'],
    ['bike@latest', 'bike'],
    ['${{ parameters.name }}@latest', 'bike'],
    ['rows-of-${{ run.pipeline }}', 'rows-of-daily'],
  ])('fixes %s', (given, dataset) => {
    expect(selectors(given)).toEqual([{ step: 'data', dataset }])
  })

  it.each(['bike@3', '${{ steps.ask.payload }}', '${{ run.id }}', 'bike@soon', 'a@b@c'])(
    'leaves %s',
    given => {
      expect(selectors(given)).toEqual([])
    },
  )
})

it.each(['bike@0', 'bike@1.5', 'bike@v1', 'bike@1@2'])('%s selects nothing', text => {
  expect(() => selectorOf(text)).toThrow('names no version of a dataset')
})
