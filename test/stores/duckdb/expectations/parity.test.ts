import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { CATALOGUE, EXPECTATION_TYPES } from '../../../../domain/expectations/catalogue.js'
import type { Definition } from '../../../../domain/expectations/definition.js'
import type { Outcome } from '../../../../domain/expectations/outcome.js'
import { checkSuite } from '../../../../domain/expectations/suite.js'
import { evaluateSuite } from '../../../../stores/duckdb/expectations/evaluate.js'
import { type GreatExpectationsAnswer, greatExpectations } from '../../../support/great-expectations.js'
import { temporaryDirectory } from '../tables.js'
import { CASES, type ParityCase } from './parity-cases.js'
import { TABLES } from './parity-tables.js'
import { gxCondition } from './gx-condition.js'
import { writeTable } from './write-table.js'

const NOW = '2026-06-01T00:00:00Z'

const COMPARED = ['element_count', 'missing_count', 'unexpected_count', 'unexpected_percent'] as const

/** What ours and theirs say of the same things, in one form. */
function oursOf({ success, counts, observed, details }: Outcome): Record<string, unknown> {
  return {
    success,
    ...(counts === undefined
      ? { observed_value: observed, ...pick(details ?? {}, ['unexpected_count', 'missing_count']) }
      : pick(counts as unknown as Record<string, unknown>, COMPARED)),
  }
}

function theirsOf(
  { success, result }: GreatExpectationsAnswer,
  ours: Record<string, unknown>,
): Record<string, unknown> {
  return {
    success,
    ...pick(
      { observed_value: null, ...result },
      Object.keys(ours).filter(key => key !== 'success'),
    ),
  }
}

const pick = (from: Readonly<Record<string, unknown>>, keys: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(keys.filter(key => key in from).map(key => [key, from[key]]))

/** Numbers to 12 digits: sums in another order differ in the last bits. */
function rounded(value: unknown): unknown {
  if (typeof value === 'number') return Number(value.toPrecision(12))
  if (typeof value === 'string') return value.replace(/(T\d\d:\d\d)$/, '$1:00')
  if (Array.isArray(value)) return value.map(rounded)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, rounded(each)]))
}

function kwargsOf({ type, parameters }: ParityCase): Record<string, unknown> {
  const { row_condition: condition, ...kwargs } = parameters
  return {
    // Ours has defaults that theirs wants to be told.
    ...(type.includes('kl_divergence') && {
      bucketize_data: 'bins' in (parameters['partition_object'] as object),
    }),
    ...kwargs,
    ...(condition !== undefined && {
      row_condition: gxCondition(condition as string),
    }),
  }
}

describe('expectations beside great_expectations', () => {
  let directory: string
  let theirs: GreatExpectationsAnswer[]
  const ours: Outcome[] = []
  beforeAll(async () => {
    directory = await temporaryDirectory()
    for (const [table, columns] of Object.entries(TABLES)) {
      const file = join(directory, `${table}.parquet`)
      await writeTable(file, columns)
      const own = CASES.flatMap((each, i) => (each.table === table ? [{ each, i }] : []))
      const suite = checkSuite(
        own.map(({ each }) => ({ type: each.type, ...each.parameters })),
        { columns: columns.map(({ name, type }) => ({ name, type: type as 'number' })) },
      )
      const { outcomes } = await evaluateSuite(file, suite.expectations, { now: NOW })
      outcomes.forEach((outcome, at) => (ours[own[at]!.i] = outcome))
    }
    theirs = await greatExpectations(
      TABLES,
      CASES.map(each => ({ table: each.table, type: each.type, kwargs: kwargsOf(each) })),
    )
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  it('looks at every type that both have', () => {
    const asked = new Set(CASES.map(({ type }) => type))
    const shared = EXPECTATION_TYPES.filter(type => (CATALOGUE[type] as Definition).ours !== true)
    expect(shared.filter(type => !asked.has(type))).toEqual(ONLY_BY_TABLE)
    expect(CASES.length).toBeGreaterThanOrEqual(120)
  })

  it.each(
    CASES.map(
      (each, i) => [`${each.table} ${each.type} ${JSON.stringify(each.parameters)}`, each, i] as const,
    ),
  )('%s', (_, { differs }, i) => {
    const found = oursOf(ours[i]!)
    const { error } = theirs[i]!
    if (differs === undefined) {
      expect(error).toBeNull()
      expect(rounded(found)).toEqual(rounded(theirsOf(theirs[i]!, found)))
    } else {
      expect({ ...theirsOf(theirs[i]!, found), error }).toMatchObject(differs.theirs)
      expect(found).toMatchObject(differs.ours)
    }
  })
})

/** Great Expectations judges these on SQL databases only. */
const ONLY_BY_TABLE = [
  'expect_table_row_count_to_equal_other_table',
  'expect_column_values_to_match_like_pattern',
  'expect_column_values_to_not_match_like_pattern',
  'expect_column_values_to_match_like_pattern_list',
  'expect_column_values_to_not_match_like_pattern_list',
]
