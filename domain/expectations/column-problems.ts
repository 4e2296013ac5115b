import { valueProblem } from '../datasets/expectations.js'
import { aType, type ColumnType } from '../datasets/schema.js'
import type { Problem } from '../errors.js'
import { didYouMean } from '../suggest.js'
import { type Condition, ConditionError, parseCondition } from './conditions.js'
import type { Definition, Judged } from './definition.js'
import type { Bound, Expectation, KnownColumn, Parameters, Scalar } from './expectation.js'

export interface FoundProblem extends Problem {
  readonly unknownColumn?: boolean
}

const JUDGED: Record<Judged, readonly ColumnType[]> = {
  any: ['integer', 'number', 'string', 'boolean', 'date', 'timestamp'],
  plain: ['integer', 'number', 'string', 'boolean', 'date', 'timestamp'],
  number: ['integer', 'number'],
  ordered: ['integer', 'number', 'date', 'timestamp'],
  comparable: ['integer', 'number', 'date', 'timestamp', 'string'],
}

/**
 * What is wrong with an expectation about these columns: those that are not there, those of a type that
 * cannot be judged so, and values that are of another type than the column.
 * @param wrong parameters that are not looked at: they are wrong in themselves
 */
export function columnProblems(
  expectation: Expectation,
  { parameters, judges }: Definition,
  at: string,
  columns: readonly KnownColumn[] | undefined,
  wrong: ReadonlySet<string>,
): FoundProblem[] {
  const problems: FoundProblem[] = []
  const say = (field: string, message: string): void => void problems.push({ at: `${at}.${field}`, message })
  const find = (name: string, field: string): KnownColumn | undefined => {
    if (columns === undefined) return undefined
    const column = columns.find(known => known.name === name)
    if (column !== undefined) return column
    const names = columns.map(known => known.name)
    const message = `there is no column "${name}".${didYouMean(name, names)}`
    problems.push({ at: `${at}.${field}`, message, unknownColumn: true })
    return undefined
  }
  const judged: KnownColumn[] = []
  for (const [field, kind] of Object.entries(parameters)) {
    const value = expectation[field as keyof Parameters]
    if (value === undefined || wrong.has(field) || (kind !== 'column' && kind !== 'columns')) continue
    const names = kind === 'column' ? [value as string] : (value as readonly string[])
    names.forEach((name, i) => {
      const path = kind === 'column' ? field : `${field}[${i}]`
      const column = find(name, path)
      if (column === undefined) return
      judged.push(column)
      if (judges !== undefined && column.type !== undefined && !JUDGED[judges].includes(column.type))
        say(
          path,
          `${name} is ${aType(column.type)}; ${expectation.type} judges ${JUDGED[judges].join(', ')}.`,
        )
    })
  }
  const [column] = judged
  const fits = (value: Scalar | Bound, field: string, of: KnownColumn): void => {
    if (typeof value === 'object') {
      if (of.type !== undefined && of.type !== 'date' && of.type !== 'timestamp')
        say(field, `is a time, but ${of.name} is ${aType(of.type)}.`)
      return
    }
    const problem = valueProblem(of, value)
    if (problem !== undefined) say(field, problem)
  }
  if (column !== undefined) {
    for (const field of ['min_value', 'max_value'] as const) {
      const bound = expectation[field]
      if (bound !== undefined && !wrong.has(field) && parameters[field] === 'bound?')
        fits(bound, field, column)
    }
    if (!wrong.has('value_set'))
      expectation.value_set?.forEach((value, i) => fits(value, `value_set[${i}]`, column))
    if (!wrong.has('value_pairs_set') && judged.length === 2) {
      expectation.value_pairs_set?.forEach((pair, i) =>
        pair.forEach((value, side) => {
          if (value !== null) fits(value, `value_pairs_set[${i}][${side}]`, judged[side]!)
        }),
      )
    }
    if (!wrong.has('partition_object')) {
      const { bins, values } = expectation.partition_object ?? {}
      values?.forEach((value, i) => fits(value, `partition_object.values[${i}]`, column))
      if (bins && column.type !== undefined && !JUDGED.number.includes(column.type))
        say('partition_object.bins', `are for numbers, but ${column.name} is ${aType(column.type)}.`)
    }
  }
  if (expectation.row_condition !== undefined && !wrong.has('row_condition'))
    checkCondition(expectation.row_condition, say, name => find(name, 'row_condition'))
  return problems
}

function checkCondition(
  source: unknown,
  say: (field: string, message: string) => void,
  find: (name: string) => KnownColumn | undefined,
): void {
  if (typeof source !== 'string') return say('row_condition', 'must be a text.')
  let condition: Condition
  try {
    condition = parseCondition(source)
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error
    return say('row_condition', error.message)
  }
  const check = (part: Condition): void => {
    if (part.op === 'and' || part.op === 'or') return part.of.forEach(check)
    const column = find(part.column)
    if (column === undefined) return
    const values = part.op === 'compare' ? [part.value] : 'values' in part ? part.values : []
    for (const value of values) {
      const problem = valueProblem(column, value)
      if (problem !== undefined) say('row_condition', `${JSON.stringify(value)} ${problem}`)
    }
  }
  check(condition)
}
