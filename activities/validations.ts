import type { ValidateVersionOutcome, ValidationRequest } from '../contracts/temporal/dataset-validation.js'
import type { RunInput } from '../contracts/temporal/messages.js'
import type { Schema } from '../domain/datasets/schema.js'
import { checkAccepted } from '../domain/expectations/accepted.js'
import { isWarning } from '../domain/expectations/results.js'
import { reads, writes } from '../stores/lineage-scope.js'
import { assertTableObjects } from '../stores/postgres/table-objects.js'
import { holdVersions } from '../stores/postgres/versions-read.js'
import { checkTable } from './expectations.js'
import { beatWhile } from './heartbeats.js'
import type { Ports } from './ports.js'
import { rowsBefore } from './rows-before.js'
import { withScratch } from './scratch.js'
import { onceStep } from './step.js'

type ValidationPorts = Pick<
  Ports,
  'runs' | 'ledger' | 'wakes' | 'datasets' | 'suites' | 'objects' | 'scratch'
>

export function validationActivities(ports: ValidationPorts) {
  const { runs, datasets, suites, objects, scratch } = ports

  return {
    /** Checks a version of a dataset by a version of its suite. */
    async validateVersion(input: RunInput): Promise<ValidateVersionOutcome> {
      const { project, name, runId } = input
      return onceStep<ValidateVersionOutcome>(ports, input, 'validate', () =>
        withScratch(scratch, directory =>
          beatWhile('checking expectations', async signal => {
            const asked = (await runs.get(project, runId)).request as ValidationRequest
            const table = await datasets.table(project, name, { kind: 'number', version: asked.version })
            reads({ kind: 'dataset', name, version: table.version })
            writes({ kind: 'report', run: runId })
            const { suite } = await suites.version(project, name, asked.suite.version)
            const { results, ...outcome } = await checkTable(ports, {
              project,
              parquet: table.parquet,
              expectations: checkAccepted(suite.expectations, table.schema as Schema),
              previousRows: await rowsBefore(ports, project, name, table),
              directory,
              signal,
            })
            const failed = results.filter(({ passed, expectation }) => !passed && !isWarning(expectation))
            return async transaction => {
              // One that was purged meanwhile, by which a worker thought dead is still checking, gets no report.
              await holdVersions(transaction, project, [{ dataset: name, version: table.version }])
              await assertTableObjects(transaction, [outcome.report.uri], objects)
              return { ...outcome, expectations: results.length, failed: failed.length }
            }
          }),
        ),
      )
    },
  }
}

export type ValidationActivities = ReturnType<typeof validationActivities>
