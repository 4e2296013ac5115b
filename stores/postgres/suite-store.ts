import type { DataSource, EntityManager } from 'typeorm'
import { MlforgeError } from '../../domain/errors.js'
import type { Suite } from '../../domain/expectations/expectation.js'
import { suiteContent } from '../../domain/expectations/suite-version.js'
import { sha256Hex, uuidv7 } from '../ids.js'
import { DatasetSuite, DatasetSuiteVersion } from './entities/suite.js'
import { page, type PageOf, type PageRequest } from './paging.js'

export interface NewSuite {
  readonly suite: Suite
  /** The version that is to be the current one still, null for none; whichever it is where left out. */
  readonly expected?: number | null
  readonly author: string | null
  readonly message: string | null
  readonly principal: string
}

/** A version of the suite of a dataset, without what is in it. */
export interface SuiteEntry {
  readonly version: number
  readonly sha256: string
  readonly expectations: number
  readonly author: string | null
  readonly message: string | null
  readonly principal: string
  readonly createdAt: Date
  readonly isCurrent: boolean
}

export interface StoredSuite extends SuiteEntry {
  readonly suite: Suite
}

/** Suites of expectations by project and dataset, with their immutable versions. */
export class SuiteStore {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Makes a suite the current one. Content that there was before is that version again, whoever gives it.
   * @throws MlforgeError suite_moved where another version is current than was expected
   */
  async put(
    project: string,
    dataset: string,
    { suite, expected, author, message, principal }: NewSuite,
  ): Promise<StoredSuite & { readonly created: boolean }> {
    const content = suiteContent(suite)
    const sha256 = sha256Hex(content)
    return this.dataSource.transaction(async transaction => {
      await transaction.query(
        `INSERT INTO suites (id, project, dataset, version, principal, updated_at, sequence, recorded)
         VALUES ($1, $2, $3, 0, $4, now(), 0, 0) ON CONFLICT DO NOTHING`,
        [uuidv7(), project, dataset, principal],
      )
      // Writers of one suite take turns, so numbers have no gaps.
      const {
        id: suiteId,
        version: at,
        sequence,
      } = await transaction.findOneOrFail(DatasetSuite, {
        where: { project, dataset },
        lock: { mode: 'pessimistic_write' },
      })
      const same = await transaction.findOneBy(DatasetSuiteVersion, { suiteId, sha256 })
      // What is current already may be sent again.
      const isCurrent = same !== null && same.version === at
      if (!isCurrent && expected !== undefined && (expected ?? 0) !== at) throw suiteMoved(dataset, at)
      const row =
        same ??
        (await transaction.save(DatasetSuiteVersion, {
          suiteId,
          // The current one may be among those that could not be restored.
          version: Math.max(await newest(transaction, suiteId), at) + 1,
          content,
          sha256,
          expectations: suite.expectations.length,
          author,
          message,
          principal,
          createdAt: new Date(),
        }))
      if (!isCurrent) {
        const change = { version: row.version, principal, updatedAt: new Date(), sequence: sequence + 1 }
        await transaction.update(DatasetSuite, { id: suiteId }, change)
      }
      return { ...stored(row, row.version), created: same === null }
    })
  }

  /** Null where a dataset has no suite. */
  async current(
    project: string,
    dataset: string,
    manager = this.dataSource.manager,
  ): Promise<StoredSuite | null> {
    const of = await manager.findOneBy(DatasetSuite, { project, dataset })
    return of && stored(await byNumber(manager, of, of.version), of.version)
  }

  /**
   * @param version the current one where it is left out
   * @throws MlforgeError not_found
   */
  async version(project: string, dataset: string, version?: number): Promise<StoredSuite> {
    const of = await this.named(project, dataset)
    return stored(await byNumber(this.dataSource.manager, of, version ?? of.version), of.version)
  }

  /** @throws MlforgeError not_found */
  async versions(project: string, dataset: string, request: PageRequest): Promise<PageOf<SuiteEntry>> {
    const { id: suiteId, version: current } = await this.named(project, dataset)
    const query = this.dataSource
      .getRepository(DatasetSuiteVersion)
      .createQueryBuilder('version')
      .select(ENTRY.map(column => `version.${column}`))
      .where({ suiteId })
    const found = await page(query, ['version'], request)
    return { ...found, items: found.items.map(row => entry(row, current)) }
  }

  private async named(project: string, dataset: string): Promise<DatasetSuite> {
    const found = await this.dataSource.manager.findOneBy(DatasetSuite, { project, dataset })
    if (found) return found
    throw new MlforgeError(
      'not_found',
      `Nothing is expected of dataset "${dataset}" in project ${project}. Give it a suite: mlforge data expectations set.`,
    )
  }
}

/** The number of the newest version, 0 where there is none. One that could not be restored leaves a gap. */
async function newest(manager: EntityManager, suiteId: string): Promise<number> {
  return (await manager.maximum(DatasetSuiteVersion, 'version', { suiteId })) ?? 0
}

/** @throws MlforgeError not_found */
async function byNumber(
  manager: EntityManager,
  { id: suiteId, dataset, version: current }: DatasetSuite,
  version: number,
): Promise<DatasetSuiteVersion> {
  const found = await manager.findOneBy(DatasetSuiteVersion, { suiteId, version })
  if (found) return found
  throw new MlforgeError(
    'not_found',
    `The suite of dataset "${dataset}" has no version ${version}; its current one is ${current}.`,
  )
}

const ENTRY = [
  ...['suiteId', 'version', 'sha256', 'expectations'],
  ...['author', 'message', 'principal', 'createdAt'],
]

function entry(row: Omit<DatasetSuiteVersion, 'content' | 'suite'>, current: number): SuiteEntry {
  const { version, sha256, expectations, author, message, principal, createdAt } = row
  const isCurrent = version === current
  return { version, sha256, expectations, author, message, principal, createdAt, isCurrent }
}

function stored(row: Omit<DatasetSuiteVersion, 'suite'>, current: number): StoredSuite {
  return { ...entry(row, current), suite: JSON.parse(row.content) as Suite }
}

function suiteMoved(dataset: string, at: number): MlforgeError {
  const where = at === 0 ? 'is not there' : `is at version ${at}`
  return new MlforgeError(
    'suite_moved',
    `The suite of dataset "${dataset}" ${where} by now. Look at it, and give yours with \`expected\`: ${at === 0 ? 'null' : at}.`,
    { version: at === 0 ? null : at },
  )
}
