import { type Comparison, type Condition, ConditionError, parseCondition } from './conditions.js'
import type { Scalar } from './expectation.js'

export class GxConditionError extends Error {}

const SIGNS = ['==', '!=', '<', '<=', '>', '>=']

/**
 * A row condition of Great Expectations: text in its own grammar, or the objects of 1.9 and later. Text for pandas
 * or Spark is a program in another language, and is not taken over.
 * @throws GxConditionError saying why it cannot be taken over
 */
export function readGxCondition(value: unknown, parser: unknown): Condition {
  if (typeof value !== 'string') return fromObject(value)
  if (typeof parser === 'string' && !parser.startsWith('great_expectations'))
    throw new GxConditionError(
      `row_condition ${JSON.stringify(value)} is written for ${parser}; write it as col("a") > 3.`,
    )
  try {
    return parseCondition(value)
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error
    throw new GxConditionError(`row_condition ${JSON.stringify(value)}: ${error.message}`)
  }
}

function fromObject(value: unknown): Condition {
  const found = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  const { type, operator, parameter } = found
  const column = (found['column'] as { name?: unknown } | undefined)?.name
  if ((type === 'and' || type === 'or') && Array.isArray(found['conditions']))
    return { op: type, of: found['conditions'].map(fromObject) }
  if (type === 'nullity' && typeof column === 'string')
    return { op: found['is_null'] === true ? 'null' : 'not null', column }
  if (type === 'comparison' && typeof column === 'string') {
    if (SIGNS.includes(operator as string) && isScalar(parameter))
      return { op: 'compare', column, sign: operator as Comparison, value: parameter }
    const values: unknown = parameter
    if (
      (operator === 'IN' || operator === 'NOT_IN') &&
      Array.isArray(values) &&
      values.length > 0 &&
      values.every(isScalar)
    )
      return { op: operator === 'IN' ? 'in' : 'not in', column, values }
  }
  throw new GxConditionError(`row_condition ${JSON.stringify(value)} cannot be written as a condition here.`)
}

const isScalar = (value: unknown): value is Scalar =>
  typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
