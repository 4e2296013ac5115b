import type { Json } from '../../../domain/canonical-json.js'
import {
  checkExpectations,
  describeExpectation,
  type Expectation,
  type KnownColumn,
} from '../../../domain/datasets/expectations.js'
import { MlforgeError } from '../../../domain/errors.js'
import type { TableValue } from '../../../domain/pipelines/values.js'
import { evaluateExpectations, tableColumns } from '../../../stores/duckdb/expectations.js'
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
    const expectations = checkExpectations(inputs['expectations'], columns)
    assertComparable(expectations, columns)
    const results = await evaluateExpectations(file, expectations, options)
    for (const { expectation, passed, failing } of results) {
      log(
        `${passed ? 'holds' : 'fails'}: ${describeExpectation(expectation)}${passed ? '' : ` (${failing} rows)`}`,
      )
    }
    const { refused, warned } = judgeExpectations(results)
    if (refused !== undefined) return { refused }
    return { outputs: { warnings: warned, results: results as unknown as Json } }
  }
}

/** Lists, structures and the like have no values that an expectation could name. */
function assertComparable(expectations: readonly Expectation[], columns: readonly KnownColumn[]): void {
  const problems = expectations.flatMap((expectation, i) => {
    if (expectation.kind !== 'range' && expectation.kind !== 'in_set') return []
    const { kind, column } = expectation
    if (columns.find(known => known.name === column)?.type !== undefined) return []
    const message = `${column} is of a type that ${kind} cannot judge; make a plain column of it by a query.`
    return [{ at: `expectations[${i}].column`, message }]
  })
  if (problems.length > 0) {
    throw new MlforgeError('invalid_request', `${problems[0]!.at}: ${problems[0]!.message}`, { problems })
  }
}
