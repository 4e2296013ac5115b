import type { Json } from '../../../domain/canonical-json.js'
import { MlforgeError } from '../../../domain/errors.js'
import { type Accepted, checkAccepted, columnsOf, isOld } from '../../../domain/expectations/accepted.js'
import { definitionOf } from '../../../domain/expectations/catalogue.js'
import type { KnownColumn } from '../../../domain/expectations/expectation.js'
import { asTyped } from '../../../domain/expectations/old-kinds.js'
import { describePlan } from '../../../domain/expectations/plan.js'
import { describeAccepted } from '../../../domain/expectations/results.js'
import { reportOfStep } from '../../../domain/lineage/nodes.js'
import { inputInvalid } from '../../../domain/pipelines/invalid-input.js'
import { suiteSelectorOf } from '../../../domain/pipelines/pins.js'
import { located } from '../../../domain/pipelines/problems.js'
import type { TableValue } from '../../../domain/pipelines/values.js'
import { comparedProblems } from '../../../domain/pipelines/written.js'
import { evaluateExpectations } from '../../../stores/duckdb/expectations/accepted.js'
import { tableColumns } from '../../../stores/duckdb/expectations/table.js'
import { reads, writes } from '../../../stores/lineage-scope.js'
import { judgeExpectations } from '../../expectations.js'
import type { Ports } from '../../ports.js'
import { rowsBefore } from '../../rows-before.js'
import type { StepRunner } from '../step-context.js'
import type { IdentityOf } from '../step-memo.js'

/** A version of a suite is the same for ever. Which one a name means is not said twice the same way. */
export const validateIdentity: IdentityOf = inputs => {
  const suite = inputs['suite']
  const isMoving = typeof suite === 'string' && suiteSelectorOf(suite).version === null
  return Promise.resolve(isMoving ? null : 'inputs')
}

type ValidatePorts = Pick<Ports, 'objects' | 'suites' | 'datasets'>

/** Refuses a table that does not hold what is expected of it. */
export function validateStep(ports: ValidatePorts): StepRunner {
  const { objects } = ports
  return async ({ project, runId, step, inputs, directory, signal, log }) => {
    const table = inputs['table'] as unknown as TableValue
    const options = { signal, temporaryDirectory: directory }
    const { given, suite } = await expected(ports, project, inputs)
    if (suite !== null) log(`suite of ${suite.dataset}, version ${suite.version}`)
    const previousRows = await comparedRows(ports, project, given, inputs)
    const file = await objects.toFile(table.uri, directory)
    const columns = await tableColumns(file, options)
    const expectations = checkAccepted(given, columns, { tables: [] })
    assertComparable(expectations, columns)
    for (const line of describePlan(expectations.map(asTyped))) log(`plan: ${line}`)
    const results = await evaluateExpectations(file, expectations, {
      ...options,
      now: new Date().toISOString(),
      ...(previousRows !== undefined && { previousRows }),
    })
    for (const { expectation, passed, failing } of results) {
      log(
        `${passed ? 'holds' : 'fails'}: ${describeAccepted(expectation)}${passed ? '' : ` (${failing} rows)`}`,
      )
    }
    const { refused, warned } = judgeExpectations(results)
    if (refused !== undefined) return { refused }
    writes(reportOfStep(runId, step))
    return { outputs: { warnings: warned, results: results as unknown as Json, suite } }
  }
}

/** What is expected, and the suite that it is of. @throws MlforgeError step_input_invalid, not_found */
async function expected(
  { suites }: Pick<Ports, 'suites'>,
  project: string,
  { expectations, suite: named }: Readonly<Record<string, Json>>,
) {
  if ((expectations === undefined) === (named === undefined)) {
    throw new MlforgeError('step_input_invalid', 'Give either `expectations` or `suite`.')
  }
  if (named === undefined) return { given: expectations, suite: null }
  const { dataset, version: wanted } = suiteSelectorOf(String(named))
  const { version, sha256, suite } = await suites.version(project, dataset, wanted ?? undefined)
  return { given: suite.expectations, suite: { dataset, version, sha256 } }
}

/**
 * Rows of the version before the one that the table is, undefined where there is none.
 * @throws MlforgeError step_input_invalid, not_found, no_table, version_retired
 */
async function comparedRows(
  ports: ValidatePorts,
  project: string,
  expectations: unknown,
  inputs: Readonly<Record<string, Json>>,
): Promise<number | undefined> {
  const problems = comparedProblems(expectations, inputs).map(located)
  if (problems.length > 0) throw inputInvalid(problems)
  if (inputs['dataset'] === undefined) return undefined
  const name = String(inputs['dataset'])
  const found = await ports.datasets.table(project, name, Number(inputs['version']))
  const { sha256 } = inputs['table'] as unknown as TableValue
  if (sha256 !== found.parquet.sha256) {
    const message = `Is not the table of version ${found.version} of dataset "${name}".`
    throw inputInvalid([{ at: 'table', message }])
  }
  reads({ kind: 'dataset', name, version: found.version })
  return rowsBefore(ports, project, name, found)
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
