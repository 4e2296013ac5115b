import { describe, expect, it } from '@jest/globals'
import { readPipelines } from '../../config/pipeline-yaml.js'
import { canonicalJson, type Json } from '../../domain/canonical-json.js'
import { compilePipeline } from '../../domain/pipelines/compile.js'
import type { PipelineDefinition } from '../../domain/pipelines/definition.js'
import { pipeline } from '../../sdk/pipelines.js'
import {
  compare,
  dataset,
  deploy,
  evaluate,
  http,
  notify,
  promote,
  query,
  register,
  script,
  train,
  transform,
  validate,
} from '../../sdk/steps.js'

const canonical = (definition: PipelineDefinition | null | undefined) =>
  canonicalJson(definition as unknown as Json)
const refused = (source: unknown) => compilePipeline(source).problems.map(({ message }) => message)

const BUILT = pipeline('retrain', { description: 'Each week.', parallel: 4, onFailure: 'stop' })
  .parameter('rounds', { type: 'integer', default: 200, choices: [100, 200] })
  .parameter('limit', { type: 'number' })
  .parameter('options', { type: 'json', default: { holdout: { from: '2012-10-01', until: '2012-11-01' } } })
  .step('load', dataset({ dataset: 'bike@latest' }), { timeout: '2m' })
  .step('clean', ({ steps }) => query({ sql: 'select * from rows', tables: { rows: steps.load.table } }), {
    cache: { maxAge: '1d' },
  })
  .step('check', ({ steps }) =>
    validate({ table: steps.clean.table, expectations: [{ kind: 'row_count', min: steps.load.rows }] }),
  )
  .step(
    'train',
    ({ steps, parameters }) =>
      train({
        model: 'bike',
        dataset: steps.load.name,
        version: steps.load.version,
        training: {
          features: ['hour'],
          target: 'cnt',
          rounds: parameters.rounds,
          split: {
            column: 'date',
            train: { until: parameters.options.at('holdout', 'from') },
            holdout: { from: '2012-10-01', until: '2012-11-01' },
          },
        },
      }),
    { needs: ['clean', 'check'], retry: { maxAttempts: 2, delay: '30s' } },
  )
  .step('compare', ({ steps, parameters }) =>
    compare({
      candidate: steps.train.metrics.at('model', 'rmse'),
      reference: steps.train.metrics.at('baseline', 'rmse'),
      maxRatio: parameters.limit,
    }),
  )
  .step('promote', ({ steps }) => promote({ model: steps.train.model, version: steps.train.version }), {
    needs: 'compare',
    compensate: ({ previous }, { steps }) => promote({ model: steps.train.model, version: previous }),
  })
  .step('deploy', ({ steps }) =>
    deploy({ deployment: 'bike', version: steps.promote.version, strategy: { kind: 'instant' } }),
  )
  .step('report', ({ steps, parameters }) =>
    script({
      command: ['python', 'report.py', parameters.rounds],
      environment: { RATIO: steps.compare.ratio },
    }),
  )
  .step('post', ({ steps, run }) =>
    http({ url: 'http://127.0.0.1/x', body: { run: run.id, report: steps.report.outputs, none: undefined } }),
  )
  .step('tell', ({ steps, run }) =>
    notify({ url: 'http://127.0.0.1/hook', text: `${run.pipeline}: version ${steps.deploy.version}` }),
  )

const YAML = `
pipelines:
  retrain:
    description: Each week.
    parallel: 4
    onFailure: stop
    parameters:
      rounds: { type: integer, default: 200, choices: [100, 200] }
      limit: { type: number }
      options: { type: json, default: { holdout: { from: '2012-10-01', until: '2012-11-01' } } }
    steps:
      load:
        uses: dataset
        with: { dataset: bike@latest }
        timeout: 120
      clean:
        uses: query
        with:
          sql: select * from rows
          tables: { rows: '\${{ steps.load.table }}' }
        cache: { maxAge: 24h }
      check:
        uses: validate
        with:
          table: \${{ steps.clean.table }}
          expectations: [{ kind: row_count, min: '\${{ steps.load.rows }}' }]
      train:
        uses: train
        needs: [clean, check]
        retry: { maxAttempts: 2, delay: 30 }
        with:
          model: bike
          dataset: \${{ steps.load.name }}
          version: \${{ steps.load.version }}
          training:
            features: [hour]
            target: cnt
            rounds: \${{ parameters.rounds }}
            split:
              column: date
              train: { until: '\${{ parameters.options.holdout.from }}' }
              holdout: { from: '2012-10-01', until: '2012-11-01' }
      compare:
        uses: compare
        with:
          candidate: \${{ steps.train.metrics.model.rmse }}
          reference: \${{ steps.train.metrics.baseline.rmse }}
          maxRatio: \${{ parameters.limit }}
      promote:
        uses: promote
        needs: compare
        with: { model: '\${{ steps.train.model }}', version: '\${{ steps.train.version }}' }
        compensate:
          uses: promote
          with: { model: '\${{ steps.train.model }}', version: '\${{ steps.promote.previous }}' }
      deploy:
        uses: deploy
        with: { deployment: bike, version: '\${{ steps.promote.version }}', strategy: { kind: instant } }
      report:
        uses: script
        with:
          command: [python, report.py, '\${{ parameters.rounds }}']
          environment: { RATIO: '\${{ steps.compare.ratio }}' }
      post:
        uses: http
        with:
          url: http://127.0.0.1/x
          body: { run: '\${{ run.id }}', report: '\${{ steps.report.outputs }}' }
      tell:
        uses: notify
        with:
          url: http://127.0.0.1/hook
          text: '\${{ run.pipeline }}: version \${{ steps.deploy.version }}'
`

describe('a pipeline that is built', () => {
  it('is the one that YAML gives, byte for byte', () => {
    const read = readPipelines(YAML, 'mlforge.yaml')
    const built = compilePipeline(BUILT.build())
    expect([read.problems, built.problems]).toEqual([[], []])
    expect(canonical(built.definition)).toBe(canonical(read.definitions[0]))
  })

  it('is JSON, and as it was when more is added to it', () => {
    const source = BUILT.build()
    expect(JSON.parse(JSON.stringify(source))).toEqual(source)
    const base = pipeline('p').step('a', dataset({ dataset: 'x' }))
    const before = base.build()
    base.step('b', dataset({ dataset: 'y' }))
    expect(base.build()).toEqual(before)
  })

  it('has each name once', () => {
    const base = pipeline('p')
      .parameter('x', { type: 'integer' })
      .step('a', dataset({ dataset: 'x' }))
    // @ts-expect-error the name is taken
    expect(() => base.step('a', dataset({ dataset: 'x' }))).toThrow(RangeError)
    // @ts-expect-error the name is taken
    expect(() => base.parameter('x', { type: 'integer' })).toThrow(RangeError)
  })
})

describe('what would be refused does not compile', () => {
  const base = pipeline('p')
    .step('load', dataset({ dataset: 'x' }))
    .parameter('rounds', { type: 'integer' })

  it('an output that there is not', () => {
    const source = base.step('q', ({ steps }) => {
      // @ts-expect-error a dataset has no output "tabel"
      return query({ sql: '', tables: { rows: steps.load.tabel } })
    })
    expect(source.build().steps.q?.with).toEqual({ sql: '', tables: {} })
  })

  it('an unknown step, in references and in needs', () => {
    const wrong = () =>
      base.step('q', ({ steps }) => {
        // @ts-expect-error there is no step "laod"
        return query({ sql: '', tables: { rows: steps.laod.table } })
      })
    expect(wrong).toThrow(TypeError)
    // @ts-expect-error there is no step "laod"
    const source = base.step('q', query({ sql: '', tables: {} }), { needs: 'laod' }).build()
    expect(refused(source)).toEqual([expect.stringContaining('Did you mean "load"?')])
  })

  it('a value of another type', () => {
    const source = base
      // @ts-expect-error rows are no table
      .step('q', ({ steps }) => query({ sql: '', tables: { rows: steps.load.rows } }))
      // @ts-expect-error a table is no text
      .step('r', ({ steps }) => dataset({ dataset: steps.load.table }))
      // @ts-expect-error a whole number is no text
      .step('s', ({ parameters }) => dataset({ dataset: parameters.rounds }))
      // @ts-expect-error text is no number
      .step('t', compare({ candidate: '1', reference: 2 }))
      .build()
    // Three: in YAML a number may stand where text is expected, and becomes it.
    expect(refused(source)).toHaveLength(3)
  })

  it('an operation of a transform that is none, or has no such field', () => {
    const rows = { kind: 'limit', rows: 10 } as const
    const source = base
      .step('good', ({ steps, parameters }) =>
        transform({
          table: steps.load.table,
          operations: [rows, { kind: 'sample', fraction: 0.5, seed: parameters.rounds }],
        }),
      )
      .step('score', ({ steps }) =>
        evaluate({ model: 'bike', table: steps.good.table, target: 'cnt', alias: 'challenger' }),
      )
      .step('export', script({ command: ['true'] }))
      .step('given', ({ steps }) =>
        register({
          model: 'bike',
          file: steps.export.files.at('model'),
          signature: { features: [{ name: 'hr', type: 'integer' }], target: 'cnt' },
          metrics: { rmse: steps.score.metrics.at('rmse') },
        }),
      )
      .step('q', ({ steps }) =>
        // @ts-expect-error there is no operation "limt"
        transform({ table: steps.load.table, operations: [{ kind: 'limt', rows: 1 }] }),
      )
      .step('r', ({ steps }) =>
        // @ts-expect-error a limit has no "row"
        transform({ table: steps.load.table, operations: [{ ...rows, row: 1 }] }),
      )
      .build()
    expect(refused(source)).toEqual([
      expect.stringContaining('Did you mean "limit"?'),
      expect.stringContaining('Did you mean "rows"?'),
    ])
  })

  it('an input that is missing, unknown or none of the choices', () => {
    const source = base
      // @ts-expect-error sql is missing
      .step('q', query({ tables: {} }))
      // @ts-expect-error there is no input "headres"
      .step('r', http({ url: 'u', headres: {} }))
      // @ts-expect-error no such method
      .step('s', http({ url: 'u', method: 'BREW' }))
      .build()
    expect(refused(source)).toHaveLength(3)
  })

  it('a default of another type', () => {
    // @ts-expect-error text is no whole number
    const source = base.parameter('x', { type: 'integer', default: 'many' }).build()
    expect(refused(source)).toHaveLength(1)
  })
})
