import type { Page } from '../../contracts/rest/common.js'
import type { ExpectationSuite } from '../../contracts/rest/expectations.js'
import type {
  ImportedSuite,
  InferredSuite,
  PutSuite,
  StartValidation,
  SuitePut,
  SuiteSummary,
  SuiteVersion,
  Validation,
  ValidationResults,
} from '../../contracts/rest/suites.js'
import type { Rest } from '../rest.js'
import { datasetPath } from './paths.js'

const NOTHING_CHECKED: ValidationResults = { plan: { scans: 0, statements: [] }, results: [] }

/** What is expected of a dataset: its suite, with immutable versions of which one is current. */
export class Suites {
  private readonly path: string

  constructor(
    private readonly rest: Rest,
    private readonly dataset: string,
  ) {
    this.path = `${datasetPath(dataset)}/expectations`
  }

  /**
   * Makes a suite the current one, by which commits are checked that bring no expectations. Content that there was
   * before is that version again.
   * @throws Refused `suite_moved` where another version is current than was `expected`
   */
  put(suite: ExpectationSuite, more: Omit<PutSuite, 'suite'> = {}): Promise<SuitePut> {
    return this.rest.put(this.path, { suite, ...more })
  }

  /** @param version the current one where it is left out */
  get(version?: number): Promise<SuiteVersion> {
    return this.rest.get(version === undefined ? this.path : `${this.path}/versions/${version}`)
  }

  /** Versions, the newest first: 1 to 200 of them. */
  async versions(limit: number): Promise<SuiteSummary[]> {
    const page = await this.rest.get<Page<SuiteSummary>>(`${this.path}/versions?limit=${limit}`)
    return page.items
  }

  /** A suite out of the JSON of one of Great Expectations, and what could not be taken over. Nothing is kept. */
  read(greatExpectations: unknown): Promise<ImportedSuite> {
    return this.rest.post(`${this.path}/import`, { greatExpectations })
  }

  /**
   * A suite to start from, by the profile of a version of the dataset. Nothing is kept.
   * @param version by number, `latest`, branch, tag, or instant in braces
   */
  infer(version: string): Promise<InferredSuite> {
    return this.rest.post(`${this.path}/infer`, { version })
  }

  /** Checks a version of the dataset. Ends when it is done, `refused` where an expectation does not hold. */
  async check(asked: StartValidation): Promise<ValidationResults & { readonly validation: Validation }> {
    const all = `${datasetPath(this.dataset)}/validations`
    const idempotencyKey = crypto.randomUUID()
    const { id } = await this.rest.post<Validation>(all, asked, { idempotencyKey })
    const validation = await this.rest.follow<Validation>(`${all}/${id}`)
    if (validation.found === null) return { validation, ...NOTHING_CHECKED }
    return { validation, ...(await this.rest.get<ValidationResults>(`${all}/${id}/results`)) }
  }
}
