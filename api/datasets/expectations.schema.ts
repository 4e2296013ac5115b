import type { Problem } from '../../domain/errors.js'
import { EXPECTATION_TYPES } from '../../domain/expectations/catalogue.js'
import { expectationProblems } from '../../domain/expectations/suite.js'

/** An expectation by type: its parameters are those of docs/reference/expectations.md. */
export const typedExpectationSchema = {
  type: 'object',
  required: ['type'],
  additionalProperties: true,
  properties: {
    type: { type: 'string', enum: [...EXPECTATION_TYPES] },
    mostly: { type: 'number', minimum: 0, maximum: 1 },
    row_condition: { type: 'string', example: 'col("a") > 3 and col("b").notNull()' },
    severity: { type: 'string', enum: ['error', 'warn'], default: 'error' },
    id: { type: 'string' },
    notes: { type: 'string' },
    nan: { type: 'string', enum: ['missing', 'value'], default: 'missing' },
  },
}

/** What is wrong with those by type, whatever the columns are; those by kind are looked at with the columns. */
export function typedProblems(value: unknown): Problem[] {
  return (Array.isArray(value) ? value : []).flatMap((item: unknown, i) =>
    typeof item === 'object' && item !== null && 'type' in item
      ? expectationProblems(item, `[${i}]`).map(({ at, message }) => ({ at, message }))
      : [],
  )
}
