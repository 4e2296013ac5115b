import { type Condition, parseCondition } from '../../../../domain/expectations/conditions.js'

/** A row condition as Great Expectations 1.x has it: an object. */
export const gxCondition = (source: string): unknown => toGx(parseCondition(source))

function toGx(condition: Condition): unknown {
  switch (condition.op) {
    case 'and':
    case 'or':
      return { type: condition.op, conditions: condition.of.map(toGx) }
    case 'compare':
      return {
        type: 'comparison',
        column: { name: condition.column },
        operator: condition.sign,
        parameter: condition.value,
      }
    case 'in':
    case 'not in':
      return {
        type: 'comparison',
        column: { name: condition.column },
        operator: condition.op === 'in' ? 'IN' : 'NOT_IN',
        parameter: condition.values,
      }
    case 'null':
    case 'not null':
      return { type: 'nullity', column: { name: condition.column }, is_null: condition.op === 'null' }
  }
}
