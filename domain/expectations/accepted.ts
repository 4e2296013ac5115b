import { checkExpectations, type Expectation as OldExpectation } from '../datasets/expectations.js'
import { MlforgeError, type Problem } from '../errors.js'
import { definitionOf } from './catalogue.js'
import type { FoundProblem } from './column-problems.js'
import type { Expectation, KnownColumn } from './expectation.js'
import { expectationProblems, refuseProblems, type SuiteContext } from './suite.js'

/** As a request may bring one: by `type`, or by `kind` as before there were types. */
export type Accepted = Expectation | OldExpectation

export const isOld = (expectation: Accepted): expectation is OldExpectation => 'kind' in expectation

/**
 * Expectations of both forms, from what a request brought; `severity` is error when not given.
 * @throws MlforgeError invalid_request (unknown_column where nothing else is wrong) with all problems
 */
export function checkAccepted(
  input: unknown,
  columns: readonly KnownColumn[],
  context: Omit<SuiteContext, 'columns'> = {},
): Accepted[] {
  if (!Array.isArray(input)) throw new MlforgeError('invalid_request', 'expectations must be a list.')
  const problems: FoundProblem[] = []
  const accepted = input.map((item: unknown, i): Accepted => {
    const at = `expectations[${i}]`
    if (typeof item === 'object' && item !== null && 'type' in item) {
      problems.push(...expectationProblems(item, at, { ...context, columns }))
      return { severity: 'error', ...(item as object) } as Expectation
    }
    const [old, found] = oldOne(item, at, columns)
    problems.push(...found)
    return old!
  })
  problems.push(...repeatedIds(accepted))
  refuseProblems(problems)
  return accepted
}

function oldOne(
  item: unknown,
  at: string,
  columns: readonly KnownColumn[],
): [OldExpectation | undefined, FoundProblem[]] {
  try {
    return [checkExpectations([item], columns)[0], []]
  } catch (error) {
    if (!(error instanceof MlforgeError)) throw error
    const found = error.details.problems as readonly Problem[]
    const unknownColumn = error.code === 'unknown_column'
    return [
      undefined,
      found.map(problem => ({ ...problem, at: problem.at.replace('expectations[0]', at), unknownColumn })),
    ]
  }
}

function repeatedIds(accepted: readonly (Accepted | undefined)[]): FoundProblem[] {
  const first = new Map<string, number>()
  return accepted.flatMap((expectation, i) => {
    const id = expectation !== undefined && 'id' in expectation ? expectation.id : undefined
    if (id === undefined) return []
    const before = first.get(id)
    first.set(id, before ?? i)
    const message = `"${id}" is the id of expectations[${before}] too.`
    return before === undefined ? [] : [{ at: `expectations[${i}].id`, message }]
  })
}

/** The columns an expectation looks at, but for its row condition; none of what is expected of the table. */
export function columnsOf(expectation: Accepted): readonly string[] {
  if (isOld(expectation)) {
    if (expectation.kind === 'row_count') return []
    return expectation.kind === 'unique' ? expectation.columns : [expectation.column]
  }
  const { parameters } = definitionOf(expectation.type)!
  const { column, column_A: a, column_B: b, column_list: list = [] } = expectation
  if (column !== undefined) return [column]
  if (a !== undefined) return [a, b!]
  return parameters.column_list === 'columns' ? list : []
}

/** The other tables that are asked of, once each. */
export function tablesOf(expectations: readonly Accepted[]): string[] {
  const names = expectations.flatMap(each => (isOld(each) ? [] : [each.other_table_name ?? []].flat()))
  return [...new Set(names)]
}
