import { Inject, Injectable } from '@nestjs/common'
import type { Page, PageQuery } from '../../contracts/rest/common.js'
import type { ExpectationSuite } from '../../contracts/rest/expectations.js'
import type {
  ImportedSuite,
  ImportSuite,
  InferredSuite,
  InferSuite,
  PutSuite,
  SuitePut,
  SuiteSummary,
  SuiteVersion,
} from '../../contracts/rest/suites.js'
import { selectorOf } from '../../domain/data/selector.js'
import type { Schema } from '../../domain/datasets/schema.js'
import type { Suite } from '../../domain/expectations/expectation.js'
import { importGreatExpectations } from '../../domain/expectations/import-great-expectations.js'
import { inferSuite } from '../../domain/expectations/infer.js'
import { assertNotTooMany, checkKeptSuite } from '../../domain/expectations/suite-version.js'
import { readProfile } from '../../domain/profile/read-profile.js'
import { factsOf } from '../../stores/duckdb/expectations/facts.js'
import { DatasetStore, hasTable } from '../../stores/postgres/dataset-store.js'
import { type StoredSuite, type SuiteEntry, SuiteStore } from '../../stores/postgres/suite-store.js'
import { mapPage } from '../http/paging.js'
import { assertName } from '../http/params.js'
import type { Principal } from '../http/request.js'
import { invalidRequest } from '../http/validation.js'

/** What is expected of datasets. */
@Injectable()
export class SuitesService {
  constructor(
    @Inject(SuiteStore) private readonly suites: SuiteStore,
    @Inject(DatasetStore) private readonly datasets: DatasetStore,
  ) {}

  async put(
    { project, name: principal }: Principal,
    dataset: string,
    { suite: given, expected, author, message }: PutSuite,
  ): Promise<SuitePut> {
    assertName('dataset', dataset)
    // Every next version is read with the schema of this one.
    const last = await this.datasets.latest(project, dataset)
    const columns = last !== null && hasTable(last) ? (last.schema as Schema) : undefined
    const suite = checkKeptSuite(given, columns)
    const { created, ...stored } = await this.suites.put(project, dataset, {
      suite,
      author: author ?? null,
      message: message ?? null,
      principal,
      ...(expected === undefined ? {} : { expected }),
    })
    return { ...versionView(dataset, stored), created }
  }

  async get({ project }: Principal, dataset: string, version?: number): Promise<SuiteVersion> {
    return versionView(dataset, await this.suites.version(project, dataset, version))
  }

  async versions({ project }: Principal, dataset: string, query: PageQuery): Promise<Page<SuiteSummary>> {
    return mapPage(await this.suites.versions(project, dataset, query), each => summaryView(dataset, each))
  }

  importFrom({ greatExpectations }: ImportSuite): ImportedSuite {
    assertNotTooMany(greatExpectations, 'greatExpectations')
    const { suite, left } = importGreatExpectations(greatExpectations)
    const [first] = left
    // It is said of the whole that it is no suite.
    if (first?.at === '') throw invalidRequest([{ at: 'greatExpectations', message: first.reason }])
    return { suite: suiteView(suite), left: left.map(each => ({ ...each })) }
  }

  async infer(
    { project }: Principal,
    dataset: string,
    { version: selected = 'latest' }: InferSuite,
  ): Promise<InferredSuite> {
    const { version, profile } = await this.datasets.table(project, dataset, selectorOf(selected))
    return { dataset, version, suite: suiteView(inferSuite(factsOf(readProfile(profile)))) }
  }
}

function versionView(dataset: string, stored: StoredSuite): SuiteVersion {
  return { ...summaryView(dataset, stored), suite: suiteView(stored.suite) }
}

function summaryView(dataset: string, { isCurrent, createdAt, ...rest }: SuiteEntry): SuiteSummary {
  const { version, sha256, expectations, author, message, principal } = rest
  return {
    ...{ dataset, version, sha256, current: isCurrent, expectations, author, message, principal },
    createdAt: createdAt.toISOString(),
  }
}

function suiteView(suite: Suite): ExpectationSuite {
  return structuredClone(suite) as unknown as ExpectationSuite
}
