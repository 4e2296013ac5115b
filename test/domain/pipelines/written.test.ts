import { describe, expect, it } from '@jest/globals'
import { compilePipeline } from '../../../domain/pipelines/compile.js'
import { located } from '../../../domain/pipelines/problems.js'

const TABLE = '${{ steps.data.table }}'
const FILES = '${{ steps.leave.files }}'
const SIGNATURE = { features: [{ name: 'hr', type: 'integer' }], target: 'cnt' }

const problemsOf = (steps: object) => {
  const others = {
    data: { uses: 'dataset', with: { dataset: 'bike' } },
    leave: { uses: 'script', with: { command: ['true'] } },
  }
  const source = {
    parameters: { least: { type: 'integer' }, how: { type: 'json' } },
    steps: { ...others, ...steps },
  }
  return compilePipeline(source, 'demand').problems.map(located)
}
const places = (steps: object) => problemsOf(steps).map(({ at }) => at)

describe('inputs that are written out', () => {
  it('are looked at when a definition is applied, with their places', () => {
    const operations = [
      { kind: 'filtr', where: 'hr > 6' },
      { kind: 'limit', rows: -1 },
      { kind: 'cast', columns: { hr: 'text' } },
    ]
    const signature = { features: [{ name: 'hr', type: 'int' }], target: 'cnt' }
    const steps = {
      part: { uses: 'transform', with: { table: TABLE, operations } },
      given: { uses: 'register', with: { model: 'm', file: FILES, signature } },
      score: { uses: 'evaluate', with: { model: 'm', version: 1, alias: 'old', table: TABLE } },
      each: {
        uses: 'map',
        with: { items: [1] },
        do: { uses: 'transform', with: { table: TABLE, operations: [] } },
      },
    }
    expect(places(steps)).toEqual([
      'steps.part.with.operations[0].kind',
      'steps.part.with.operations[1].rows',
      'steps.part.with.operations[2].columns.hr',
      'steps.given.with.signature.features[0].type',
      'steps.score.with.alias',
      'steps.each.do.with.operations',
    ])
    expect(problemsOf(steps)[0]!.message).toMatch(/^There is no operation "filtr"\. Did you mean "filter"\?/)
  })

  it('may leave to references what is not known yet', () => {
    const how = '${{ parameters.how }}'
    const least = '${{ parameters.least }}'
    const operations = [
      how,
      { kind: how, anything: 1 },
      { kind: 'filter', where: `hr > ${least}` },
      { kind: 'clip', columns: { hr: { min: least } } },
      { kind: 'limit', rows: least },
      { kind: 'cast', columns: how },
    ]
    expect(
      problemsOf({
        part: { uses: 'transform', with: { table: TABLE, operations } },
        whole: { uses: 'transform', with: { table: TABLE, operations: how } },
        given: {
          uses: 'register',
          with: { model: 'm', file: FILES, signature: { ...SIGNATURE, target: how } },
        },
        other: { uses: 'register', with: { model: 'm', file: FILES, signature: how } },
      }),
    ).toEqual([])
  })

  it('cannot be remembered where they act, or wait for a file that is a table', () => {
    const given = { uses: 'register', cache: true, with: { model: 'm', file: TABLE, signature: SIGNATURE } }
    expect(places({ given })).toEqual(['steps.given.cache'])
    const score = { uses: 'evaluate', cache: true, with: { model: 'm', table: FILES } }
    expect(places({ score })).toEqual(['steps.score.with.table'])
  })
})
