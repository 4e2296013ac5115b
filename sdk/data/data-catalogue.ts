import type { Page } from '../../contracts/rest/common.js'
import type {
  DataCollection,
  DatasetRetention,
  DataVerification,
  PurgedVersion,
  Retention,
  VerificationReport,
} from '../../contracts/rest/data-collection.js'
import type { DataChange, DataRef } from '../../contracts/rest/data.js'
import type { Dataset, DatasetVersion } from '../../contracts/rest/datasets.js'
import type { Operation } from '../../contracts/rest/operations.js'
import type { TableDiff } from '../../contracts/rest/profiles.js'
import { isErrorCode, MlforgeError } from '../../domain/errors.js'
import type { Rest } from '../rest.js'
import { datasetPath, versionPath } from './paths.js'

/** Of what is listed, in one answer. */
const MOST = 200

/** Is shown a collection again and again while it is under way. */
type SeenCollection = (collection: DataCollection) => void

/** What a server knows of datasets: versions, names, differences; and what it keeps of them. */
export class DataCatalogue {
  constructor(private readonly rest: Rest) {}

  /** Versions of a dataset, the newest first: 1 to 200 of them. */
  async versions(dataset: string, limit: number): Promise<DatasetVersion[]> {
    const page = await this.rest.get<Page<DatasetVersion>>(`${datasetPath(dataset)}/versions?limit=${limit}`)
    return page.items
  }

  /** What the files of one version are otherwise than those of another, by path. */
  async *diff(dataset: string, from: string, to: string): AsyncGenerator<DataChange> {
    const query = between(from, to)
    for (let after: string | undefined = ''; after !== undefined;) {
      const path: string = `${datasetPath(dataset)}/diff?${query}&after=${encodeURIComponent(after)}`
      const page: Page<DataChange> = await this.rest.get<Page<DataChange>>(path)
      yield* page.items
      after = page.nextCursor
    }
  }

  /**
   * What the table of one version has otherwise than that of another: rows, schema, distributions of its columns.
   * Null for `table` unless both have one.
   */
  tableDiff(dataset: string, from: string, to: string): Promise<TableDiff> {
    return this.rest.get(`${datasetPath(dataset)}/table-diff?${between(from, to)}`)
  }

  /** The first 200 branches or tags, by name. */
  async refs(dataset: string, kind: DataRef['kind']): Promise<DataRef[]> {
    const page = await this.rest.get<Page<DataRef>>(`${refsPath(dataset, kind)}?limit=${MOST}`)
    return page.items
  }

  /** Makes a tag, or moves it. */
  tag(dataset: string, name: string, version: number): Promise<DataRef> {
    return this.rest.put(`${refsPath(dataset, 'tag')}/${encodeURIComponent(name)}`, { version })
  }

  /** Removes a branch or a tag; its versions stay. */
  removeRef(dataset: string, kind: DataRef['kind'], name: string): Promise<void> {
    return this.rest.delete(`${refsPath(dataset, kind)}/${encodeURIComponent(name)}`)
  }

  /** Plans what no version needs, and removes it where that is asked for. Ends when it is done. */
  async collect(execute: boolean, seen?: SeenCollection): Promise<DataCollection> {
    return this.collected(await this.rest.post<DataCollection>('/v1/data/collections', { execute }), seen)
  }

  /** Removes what a plan of the last day says and nothing has come to need since. Ends when it is done. */
  async executeCollection(planId: string, seen?: SeenCollection): Promise<DataCollection> {
    const path = `/v1/data/collections/${encodeURIComponent(planId)}/execute`
    return this.collected(await this.rest.post<DataCollection>(path), seen)
  }

  private async collected({ id }: DataCollection, seen?: SeenCollection): Promise<DataCollection> {
    return succeeded(await this.rest.follow<DataCollection>(`/v1/data/collections/${id}`, seen))
  }

  /** Reads everything, a dataset, or a version of it, and compares it with its hashes. Ends when it is done. */
  async verify(of: {
    readonly dataset?: string
    readonly version?: string
  }): Promise<DataVerification & { readonly report: VerificationReport }> {
    const { id } = await this.rest.post<DataVerification>('/v1/data/verifications', of)
    const path = `/v1/data/verifications/${id}`
    const run = succeeded(await this.rest.follow<DataVerification>(path))
    return { ...run, report: await this.rest.get<VerificationReport>(`${path}/report`) }
  }

  /** Datasets, by name, with the rules by which their versions are kept. */
  async *datasets(): AsyncGenerator<Dataset> {
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const more: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const page: Page<Dataset> = await this.rest.get<Page<Dataset>>(`/v1/datasets?limit=${MOST}${more}`)
      yield* page.items
      cursor = page.nextCursor
    }
  }

  /** Says which versions of a dataset are kept; null for all. The others are retired by the next collection. */
  async retain(dataset: string, retention: Retention | null): Promise<Retention | null> {
    const path = `${datasetPath(dataset)}/retention`
    return (await this.rest.put<DatasetRetention>(path, { retention })).retention
  }

  /** Erases a version; who, when and why stays. */
  purge(dataset: string, version: string, reason: string): Promise<PurgedVersion> {
    return this.rest.post(`${versionPath(dataset, version)}/purge`, { reason })
  }
}

function between(from: string, to: string): string {
  return `from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`
}

function refsPath(dataset: string, kind: DataRef['kind']): string {
  return `${datasetPath(dataset)}/${kind === 'tag' ? 'tags' : 'branches'}`
}

function succeeded<T extends Operation>(run: T): T {
  if (run.status === 'succeeded') return run
  const code = run.error && isErrorCode(run.error.code) ? run.error.code : 'internal'
  throw new MlforgeError(code, run.error?.message ?? `Run ${run.id} is ${run.status}.`)
}
