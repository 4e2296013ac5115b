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

  it('name versions of datasets and of suites that there can be', () => {
    const steps = {
      known: { uses: 'dataset', with: { dataset: 'rides@{2026-01-31}' } },
      later: { uses: 'dataset', with: { dataset: 'rides@${{ parameters.least }}' } },
      none: { uses: 'dataset', with: { dataset: 'rides@{x}' } },
      twice: { uses: 'gate', with: { dataset: 'rides@1@2', suite: 'rides@new' } },
      check: { uses: 'validate', with: { table: TABLE, suite: 'Rides' } },
    }
    expect(problemsOf(steps)).toEqual([
      {
        at: 'steps.none.with.dataset',
        message: expect.stringMatching(/^"rides@\{x\}" names no version of a/),
      },
      { at: 'steps.twice.with.dataset', message: expect.stringContaining('names no version of a dataset') },
      { at: 'steps.twice.with.suite', message: expect.stringContaining('names no suite') },
      { at: 'steps.check.with.suite', message: expect.stringContaining('names no suite') },
    ])
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

  it('say of which version a table is that is compared with the one before', () => {
    const check = (more: object) => ({ check: { uses: 'validate', with: { table: TABLE, ...more } } })
    const expectations = [
      { type: 'expect_table_row_count_to_be_between', min_value: 1 },
      { type: 'expect_table_row_count_change_to_be_between', min_value: 0 },
    ]
    const at = 'steps.check.with.expectations[1]'
    const message = expect.stringMatching(/give "dataset" and "version"/)
    expect(problemsOf(check({ expectations }))).toEqual([{ at, message }])
    expect(places(check({ expectations, dataset: 'bike' }))).toEqual(['steps.check.with.version'])
    const version = '${{ steps.data.version }}'
    expect(places(check({ expectations, dataset: 'bike', version }))).toEqual([])
    expect(places(check({ expectations: '${{ parameters.how }}' }))).toEqual([])
  })

  it('cannot be remembered where they act, or wait for a file that is a table', () => {
    const given = { uses: 'register', cache: true, with: { model: 'm', file: TABLE, signature: SIGNATURE } }
    expect(places({ given })).toEqual(['steps.given.cache'])
    const score = { uses: 'evaluate', cache: true, with: { model: 'm', table: FILES } }
    expect(places({ score })).toEqual(['steps.score.with.table'])
  })

  const SPLIT = {
    column: 'day',
    train: { until: '2011-10-01' },
    holdout: { from: '2011-10-01', until: '2011-11-01' },
  }
  const train = (training: unknown) => ({
    step: { uses: 'train', with: { model: 'm', dataset: 'bike', version: 1, training } },
  })
  const deploy = (strategy: unknown) => ({
    step: { uses: 'deploy', with: { deployment: 'd', version: 1, strategy } },
  })
  const sensor = (source: unknown) => ({ step: { uses: 'sensor', with: { source } } })
  const wait = (condition: unknown) => ({ step: { uses: 'wait', with: { condition } } })

  it.each<[string, object, readonly [place: string, message: string][]]>([
    [
      'a training',
      train({ feature: ['hr'], features: ['hr', 3], target: 'cnt', split: { ...SPLIT, holdout: {} } }),
      [
        ['training.feature', 'There is no field "feature" here. Did you mean "features"?'],
        ['training.features[1]', 'Must be text'],
        ['training.split.holdout.from', '"from" is needed here.'],
        ['training.split.holdout.until', '"until" is needed here.'],
      ],
    ],
    ['a training that is none', train([]), [['training', 'Must be an object of engine, parameters, rounds']]],
    [
      'what it must not have',
      train({ features: ['hr'], target: 'cnt', split: SPLIT, engine: 'xgbost', rounds: '3', model: 'm' }),
      [
        ['training.model', 'There is no field "model" here.'],
        ['training.engine', '"xgbost" is not one of xgboost. Did you mean "xgboost"?'],
        ['training.rounds', 'Must be a number.'],
      ],
    ],
    ['a strategy', deploy({ kind: 'canery' }), [['strategy.kind', 'Did you mean "canary"?']]],
    ['a strategy that is a text', deploy('canary'), [['strategy.kind', 'null is not one of canary']]],
    [
      'the stops of a canary',
      deploy({ kind: 'canary', stops: [{ percent: 10, minRow: 5 }], observeSeconds: 1 }),
      [
        ['strategy.observeSeconds', 'There is no field "observeSeconds" here.'],
        ['strategy.stops[0].minRow', 'Did you mean "minRows"?'],
        ['strategy.stops[0].minRows', '"minRows" is needed here.'],
      ],
    ],
    [
      'what a shadow needs',
      deploy({ kind: 'shadow', percent: 5 }),
      [['strategy.minRows', '"minRows" is needed here.']],
    ],
    [
      'a source',
      sensor({ dataset: { nme: 'bike' } }),
      [
        ['source.dataset.nme', 'Did you mean "name"?'],
        ['source.dataset.name', '"name" is needed here.'],
      ],
    ],
    ['a source of no kind', sensor({}), [['source', 'needs exactly one of objects']]],
    [
      'a source that steps have not',
      sensor({ webhook: {} }),
      [['source.webhook', 'There is no field "webhook"']],
    ],
    [
      'two sources, whatever they refer to',
      sensor({ dataset: '${{ parameters.how }}', objects: { prefix: 'in/' } }),
      [['source.dataset', 'needs exactly one of']],
    ],
    [
      'a figure that is compared twice',
      sensor({ metric: { model: 'm', metric: 'rmse', above: '${{ parameters.least }}', below: 3 } }),
      [['source.metric', 'needs exactly one of']],
    ],
    [
      'a path out of its directory',
      sensor({ directory: { path: '../in' } }),
      [['source.directory.path', 'must be a relative path']],
    ],
    [
      'the source of a wait',
      wait({ drift: { deployment: 'd', on: 'incidnt' } }),
      [['condition.drift.on', 'Did you mean "incident"?']],
    ],
  ])('name what is wrong with %s', (_, steps, expected) => {
    expect(problemsOf(steps)).toEqual(
      expected.map(([place, message]) => ({
        at: `steps.step.with.${place}`,
        message: expect.stringContaining(message),
      })),
    )
  })

  const how = '${{ parameters.how }}'
  const least = '${{ parameters.least }}'
  it.each([
    ['a training', train({ features: ['hr'], target: 'cnt', split: SPLIT })],
    ['a training from elsewhere', train(how)],
    [
      'a training with references',
      train({
        features: how,
        target: how,
        split: { ...SPLIT, train: how },
        rounds: least,
        clip: { min: least },
      }),
    ],
    ['no strategy', deploy(null)],
    ['a strategy from elsewhere', deploy(how)],
    ['a kind from elsewhere', deploy({ kind: how, anything: 1 })],
    [
      'a canary',
      deploy({ kind: 'canary', stops: [{ percent: least, minRows: 5 }, how], mirrorPercent: least }),
    ],
    [
      'a switch that waits for promote',
      deploy({ kind: 'blueGreen', observeSeconds: null, approve: ['admin'] }),
    ],
    ['a source from elsewhere', sensor(how)],
    ['a source of a kind', sensor({ metric: how })],
    ['a path with a reference', sensor({ directory: { path: `in/${how}` } })],
    ['a figure', sensor({ metric: { model: how, metric: how, above: least } })],
    ['a condition', wait({ objects: { prefix: 'in/' } })],
  ])('leave %s to the run, or fit', (_, steps) => {
    expect(problemsOf(steps)).toEqual([])
  })
})
