import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Schema } from '../../../domain/datasets/schema.js'
import { parseEventTime } from '../../../domain/drift/event-time.js'
import { DEFAULT_INCIDENT_POLICY } from '../../../domain/incidents/incident.js'
import type { ModelSignature } from '../../../domain/models/signature.js'
import { HOLDOUTS, incidentPolicy } from '../../../domain/retraining/policy.js'
import {
  columnSources,
  type JoinedPredictions,
  joinedIdentity,
  joinedSchema,
  joinFrom,
  learnedColumns,
  retrainingSplit,
} from '../../../domain/retraining/set.js'

const SCHEMA: Schema = [
  { name: 'instant', type: 'integer', nullable: false },
  { name: 'dteday', type: 'date', format: '%m/%d/%Y', nullable: false },
  { name: 'hr', type: 'integer', nullable: false },
  { name: 'holiday', type: 'boolean', nullable: false },
  { name: 'temp', type: 'number', nullable: true },
  { name: 'cnt', type: 'integer', nullable: false },
]
const LEARNED = { features: ['hr', 'temp', 'holiday'], target: 'cnt' }

describe('a set to retrain on', () => {
  it('gives every column of the dataset a source', () => {
    const sources = columnSources(SCHEMA, 'dteday', LEARNED)
    expect(sources.map(({ column, from }) => [column, from])).toEqual([
      ['instant', 'empty'],
      ['dteday', 'time'],
      ['hr', 'feature'],
      ['holiday', 'feature'],
      ['temp', 'feature'],
      ['cnt', 'label'],
    ])
    const nulls = new Map([['instant', 12]])
    expect(joinedSchema(SCHEMA, nulls).filter(column => column.nullable)).toEqual([
      { name: 'instant', type: 'integer', nullable: true },
    ])
    // Names, types and formats are the version's: the next file is read like the one before.
    expect(joinedSchema(SCHEMA, nulls)[1]).toEqual(SCHEMA[1])
  })

  it('reads what a training asks for, or for a pipeline all that predictions have', () => {
    const common = {
      dataset: 'bike',
      timeColumn: 'dteday',
      holdout: 'month',
      strategy: { kind: 'canary' },
      incident: {},
    } as const
    const serving: ModelSignature = {
      features: [
        { name: 'hr', type: 'integer' },
        { name: 'hum', type: 'number' },
      ],
      target: 'cnt',
      output: { name: 'prediction' },
    }
    const training = { features: ['hr', 'temp'], target: 'rides', baseline: { by: ['holiday', 'hr'] } }
    expect(learnedColumns({ ...common, training }, serving)).toEqual({
      features: ['hr', 'temp', 'holiday'],
      target: 'rides',
    })
    const pipeline = { name: 'retrain', parameters: {} }
    expect(learnedColumns({ ...common, pipeline }, serving)).toEqual({
      features: ['hr', 'hum'],
      target: 'cnt',
    })
    expect(learnedColumns({ ...common, pipeline }, null)).toBeNull()
  })

  it('begins after the rows that were given', () => {
    const newest = parseEventTime('2011-10-31')
    expect(joinFrom(newest, 'date')).toBe(parseEventTime('2011-11-01'))
    expect(joinFrom(newest, 'timestamp')).toBe(newest + 1)
    expect(joinFrom(null, 'date')).toBeNull()
  })

  it.each([
    ['month', '2012-05-01', ['2012-04-01', '2012-05-01']],
    ['month', '2012-05-15', ['2012-04-01', '2012-05-01']],
    ['month', '2012-01-01', ['2011-12-01', '2012-01-01']],
    ['week', '2012-05-01', ['2012-04-23', '2012-04-30']],
    ['day', '2012-05-01T13:00', ['2012-04-30', '2012-05-01']],
  ] as const)('holds out the last whole %s before %s', (holdout, until, [from, end]) => {
    expect(retrainingSplit('dteday', holdout, parseEventTime(until))).toEqual({
      column: 'dteday',
      train: { until: from },
      holdout: { from, until: end },
    })
  })

  it('never holds out what is not there, and trains on nothing that is held out', () => {
    const time = fc.integer({ min: parseEventTime('1971-01-01'), max: parseEventTime('2100-01-01') })
    fc.assert(
      fc.property(fc.constantFrom(...HOLDOUTS), time, (holdout, until) => {
        const { train, holdout: held } = retrainingSplit('t', holdout, until)
        expect(train.until).toBe(held.from)
        expect(held.from < held.until).toBe(true)
        expect(parseEventTime(held.until)).toBeLessThanOrEqual(until)
        // The next one would not be whole.
        const next = retrainingSplit('t', holdout, parseEventTime(held.until) + 62 * 86_400_000).holdout
        expect(next.from >= held.until).toBe(true)
      }),
    )
  })

  it('is the same for the same rows, whatever else is said of it', () => {
    const joined: JoinedPredictions = {
      deployment: 'bike',
      parent: 'a'.repeat(64),
      from: 1,
      until: 2,
      rows: 3,
      table: 'b'.repeat(64),
      columns: columnSources(SCHEMA, 'dteday', LEARNED),
    }
    const identity = joinedIdentity(joined, 'duckdb 1')
    expect(joinedIdentity({ ...joined, deployment: 'other', until: 9 }, 'duckdb 1')).toBe(identity)
    expect(joinedIdentity({ ...joined, table: 'c' }, 'duckdb 1')).not.toBe(identity)
    expect(joinedIdentity({ ...joined, parent: 'c' }, 'duckdb 1')).not.toBe(identity)
    expect(joinedIdentity(joined, 'duckdb 2')).not.toBe(identity)
  })
})

describe('the limits of an incident', () => {
  it('are the defaults, but for what somebody set', () => {
    expect(incidentPolicy()).toEqual(DEFAULT_INCIDENT_POLICY)
    expect(
      incidentPolicy({ minLabelledRows: 10, retrainingsApartDays: 0.5, rolloutDeadlineHours: 2 }, 3),
    ).toEqual({
      ...DEFAULT_INCIDENT_POLICY,
      breachesInARow: 3,
      requiredRows: 10,
      retrainingsApartMs: 43_200_000,
      rolloutDeadlineMs: 7_200_000,
    })
    expect(incidentPolicy({ healthyToClose: 1, maxRetrainings: 0 })).toMatchObject({
      healthyToClose: 1,
      maxAutomaticRetrainings: 0,
    })
  })
})
