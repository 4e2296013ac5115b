import type { Json } from '../../../domain/canonical-json.js'
import { MlforgeError } from '../../../domain/errors.js'
import { type Accepted, checkAccepted, columnsOf, isOld } from '../../../domain/expectations/accepted.js'
import { definitionOf } from '../../../domain/expectations/catalogue.js'
import type { KnownColumn } from '../../../domain/expectations/expectation.js'
import { typedOf } from '../../../domain/expectations/old-kinds.js'
import { describePlan } from '../../../domain/expectations/plan.js'
import { describeAccepted } from '../../../domain/expectations/results.js'
import type { TableValue } from '../../../domain/pipelines/values.js'
import { evaluateExpectations } from '../../../stores/duckdb/expectations/accepted.js'
import { tableColumns } from '../../../stores/duckdb/expectations/table.js'
import { judgeExpectations } from '../../expectations.js'
import type { Ports } from '../../ports.js'
import type { StepRunner } from '../step-context.js'

/** Refuses a table that does not hold what is expected of it. */
export function validateStep({ objects }: Pick<Ports, 'objects'>): StepRunner {
  return async ({ inputs, directory, signal, log }) => {
    const table = inputs['table'] as unknown as TableValue
    const options = { signal, temporaryDirectory: directory }
    const file = await objects.toFile(table.uri, directory)
    const columns = await tableColumns(file, options)
    const expectations = checkAccepted(inputs['expectations'], columns, { tables: [] })
    assertComparable(expectations, columns)
    const typed = expectations.map(each => (isOld(each) ? typedOf(each) : each))
    for (const line of describePlan(typed)) log(`plan: ${line}`)
    const results = await evaluateExpectations(file, expectations, {
      ...options,
      now: new Date().toISOString(),
    })
    for (const { expectation, passed, failing } of results) {
      log(
        `${passed ? 'holds' : 'fails'}: ${describeAccepted(expectation)}${passed ? '' : ` (${failing} rows)`}`,
      )
    }
    const { refused, warned } = judgeExpectations(results)
    if (refused !== undefined) return { refused }
    return { outputs: { warnings: warned, results: results as unknown as Json } }
  }
}

/** Lists, structures and the like have no values that an expectation could name. */
function assertComparable(expectations: readonly Accepted[], columns: readonly KnownColumn[]): void {
  const problems = expectations.flatMap((expectation, i) => {
    const judges = isOld(expectation)
      ? expectation.kind === 'range' || expectation.kind === 'in_set'
      : definitionOf(expectation.type)!.judges !== undefined
    if (!judges) return []
    const name = isOld(expectation) ? expectation.kind : expectation.type
    return columnsOf(expectation)
      .filter(column => columns.find(known => known.name === column)?.type === undefined)
      .map(column => ({
        at: `expectations[${i}].column`,
        message: `${column} is of a type that ${name} cannot judge; make a plain column of it by a query.`,
      }))
  })
  if (problems.length > 0) {
    throw new MlforgeError('invalid_request', `${problems[0]!.at}: ${problems[0]!.message}`, { problems })
  }
}
