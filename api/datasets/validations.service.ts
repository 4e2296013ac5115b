import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config/config.js'
import type {
  StartValidation,
  Validation,
  ValidationPlan,
  ValidationResults,
} from '../../contracts/rest/suites.js'
import type {
  DatasetValidateResult,
  ValidateVersionOutcome,
  ValidationRequest,
} from '../../contracts/temporal/dataset-validation.js'
import { selectorOf } from '../../domain/data/selector.js'
import type { Schema } from '../../domain/datasets/schema.js'
import { MlforgeError } from '../../domain/errors.js'
import { asTyped } from '../../domain/expectations/old-kinds.js'
import { planOf } from '../../domain/expectations/plan.js'
import type { Result } from '../../domain/expectations/results.js'
import { checkKeptSuite } from '../../domain/expectations/suite-version.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { bytesOf } from '../../stores/objects/whole.js'
import { DatasetStore } from '../../stores/postgres/dataset-store.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { LedgerStore } from '../../stores/postgres/ledger-store.js'
import { assertReadable } from '../../stores/postgres/readable.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import { SuiteStore } from '../../stores/postgres/suite-store.js'
import type { Idempotency } from '../http/idempotency.js'
import type { Principal } from '../http/request.js'
import { CONFIG, OBJECTS } from '../platform/tokens.js'
import { runOfDataset } from '../runs/run-of-dataset.js'
import { operationView } from '../runs/run-view.js'
import { RunsService } from '../runs/runs.service.js'
import { resultView } from './result-view.js'

/** Whether versions of datasets are as their suites expect. */
@Injectable()
export class ValidationsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(OBJECTS) private readonly objects: ObjectStore,
    @Inject(DatasetStore) private readonly datasets: DatasetStore,
    @Inject(SuiteStore) private readonly suites: SuiteStore,
    @Inject(LedgerStore) private readonly ledger: LedgerStore,
    @Inject(RunStore) private readonly rows: RunStore,
    @Inject(RunsService) private readonly runs: RunsService,
  ) {}

  async start(
    caller: Principal,
    name: string,
    { version: selected = 'latest', suite: wanted }: StartValidation,
    idempotency: Idempotency | undefined,
  ): Promise<Validation> {
    // Names such as `latest` may mean another version by now.
    const known = idempotency && (await this.rows.replayed(caller.project, caller.name, idempotency))
    if (known) return this.view(known)
    const table = await this.datasets.table(caller.project, name, selectorOf(selected))
    const { version, sha256, suite } = await this.suites.version(caller.project, name, wanted)
    checkKeptSuite(suite, table.schema as Schema, `suite ${version}`)
    const request: ValidationRequest = { version: table.version, suite: { version, sha256 } }
    const run = await this.runs.accept(caller, {
      kind: 'validation',
      name,
      request,
      ...(idempotency ? { idempotency } : {}),
    })
    return this.view(run)
  }

  async get(caller: Principal, name: string, id: string): Promise<Validation> {
    return this.view(await runOfDataset(this.rows, caller, 'validation', name, id))
  }

  /** @throws MlforgeError wrong_state for one that has checked nothing, version_retired */
  async results(caller: Principal, name: string, id: string): Promise<ValidationResults> {
    const { status, request } = await runOfDataset(this.rows, caller, 'validation', name, id)
    const { version } = request as ValidationRequest
    assertReadable(name, await this.datasets.version(caller.project, name, version))
    const steps = await this.ledger.steps(id)
    const outcome = steps.findLast(each => each.step === 'validate')?.outcome as
      ValidateVersionOutcome | undefined | null
    if (!outcome) throw new MlforgeError('wrong_state', `Validation ${id} is ${status}: it has no results.`)
    const stored = (await bytesOf(this.objects, outcome.report.uri)).toString()
    const results = JSON.parse(stored) as Result[]
    return { plan: planView(results), results: results.map(resultView) }
  }

  private view(run: Run): Validation {
    const { version, suite } = run.request as ValidationRequest
    const { name: dataset } = run
    return {
      ...operationView(run, this.config.temporal),
      ...{ dataset, version, suite: { ...suite }, found: foundBy(run) },
    }
  }
}

function planView(results: readonly Result[]): ValidationPlan {
  const statements = planOf(results.map(({ expectation }) => asTyped(expectation))).map(
    ({ query: kind, about, expectations }) => ({ kind, about, expectations: [...expectations] }),
  )
  return { scans: statements.filter(({ kind }) => kind !== 'samples').length, statements }
}

function foundBy({ result }: Run): Validation['found'] {
  const { expectations, failed, warned } = (result ?? {}) as Partial<DatasetValidateResult>
  if (expectations === undefined || failed === undefined || warned === undefined) return null
  return { expectations, failed, warned }
}
