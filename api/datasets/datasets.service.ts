import { Inject, Injectable } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import type { Config } from '../../config/config.js'
import type { Page, PageQuery } from '../../contracts/rest/common.js'
import type {
  CommitDataset,
  Dataset,
  DatasetCommit,
  DatasetVersion,
  Rows,
} from '../../contracts/rest/datasets.js'
import type { CommitOutcome, ContentRef, DatasetLive } from '../../contracts/temporal/messages.js'
import { type BadRows, badRowsOf, QUARANTINE_FILE } from '../../domain/datasets/bad-rows.js'
import type { CommitRequest } from '../../domain/datasets/commit-request.js'
import { type ConversionSpec, formOf } from '../../domain/datasets/conversion.js'
import { completeReading, rawName, type Reading } from '../../domain/datasets/reading.js'
import { MAIN, quarantineOf, refNameProblem, type VersionSelector } from '../../domain/data/selector.js'
import type { Schema } from '../../domain/datasets/schema.js'
import { MlforgeError } from '../../domain/errors.js'
import { checkAccepted } from '../../domain/expectations/accepted.js'
import type { KnownColumn } from '../../domain/expectations/expectation.js'
import type { Result } from '../../domain/expectations/results.js'
import { readRows } from '../../stores/duckdb/rows.js'
import type { JoinedConversion } from '../../domain/retraining/set.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { assertReadable } from '../../stores/postgres/readable.js'
import { DatasetStore, hasTable } from '../../stores/postgres/dataset-store.js'
import type { DatasetVersion as VersionRow } from '../../stores/postgres/entities/dataset.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { LedgerStore } from '../../stores/postgres/ledger-store.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import { type StoredSuite, SuiteStore } from '../../stores/postgres/suite-store.js'
import { assertTableObjects } from '../../stores/postgres/table-objects.js'
import { artifactNamed, artifactViews, sendArtifact } from '../http/download.js'
import type { Idempotency } from '../http/idempotency.js'
import { assertName } from '../http/params.js'
import { mapPage } from '../http/paging.js'
import { invalidRequest } from '../http/validation.js'
import type { Principal } from '../http/request.js'
import { withTemporary } from '../http/temporary.js'
import { CONFIG, OBJECTS } from '../platform/tokens.js'
import { operationView, resultVersion } from '../runs/run-view.js'
import { runOfDataset } from '../runs/run-of-dataset.js'
import { RunsService } from '../runs/runs.service.js'
import { LiveDetail } from '../temporal/live-detail.js'
import { CommitSources } from './commit-sources.js'
import { resultView } from './result-view.js'

@Injectable()
export class DatasetsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(OBJECTS) private readonly objects: ObjectStore,
    @Inject(DatasetStore) private readonly datasets: DatasetStore,
    @Inject(SuiteStore) private readonly suites: SuiteStore,
    @Inject(CommitSources) private readonly sources: CommitSources,
    @Inject(LedgerStore) private readonly ledger: LedgerStore,
    @Inject(RunStore) private readonly rows: RunStore,
    @Inject(RunsService) private readonly runs: RunsService,
    @Inject(LiveDetail) private readonly live: LiveDetail,
  ) {}

  async commit(
    caller: Principal,
    name: string,
    body: CommitDataset,
    idempotency: Idempotency | undefined,
  ): Promise<DatasetCommit> {
    assertName('dataset', name)
    // The suite of the dataset may be another one by now.
    const replayed = idempotency && (await this.rows.replayed(caller.project, caller.name, idempotency))
    if (replayed) return this.commitView(replayed, null)
    const source = await this.sources.of(caller, body)
    const { columns } = source
    const branch = branchOf(body)
    if (branch !== MAIN) await this.datasets.assertBase(caller.project, name, { branch })
    const last = await this.datasets.head(caller.project, name, branch)
    // Types that are still to be inferred are checked against by the commit itself.
    const known = source.names?.map(column => ({ name: column, ...columns[column] }))
    const schema = last && hasTable(last) ? (last.schema as Schema) : known
    // What a request brings is all that is looked at, and nothing where that is an empty list.
    const suite = body.expectations ? null : await this.suites.current(caller.project, name)
    if (schema && suite) assertFits(name, suite, schema)
    else if (schema) checkAccepted(body.expectations ?? [], schema)
    const badRows = badRowsOfRequest(body)
    const request: CommitRequest = {
      ...source.request,
      columns,
      nullValues: body.nullValues ?? [],
      expectations: suite?.suite.expectations ?? body.expectations ?? [],
      suite: suite && { version: suite.version, sha256: suite.sha256 },
      message: body.message ?? null,
      ...(branch !== MAIN && { branch }),
      ...(body.failedExpectations === 'quarantine' && { failedExpectations: 'quarantine' }),
      ...(badRows && { badRows }),
    }
    const run = await this.runs.accept(caller, {
      kind: 'dataset',
      name,
      request,
      alongside: transaction =>
        assertTableObjects(transaction, request.upload ? [request.upload.uri] : [], this.objects),
      ...(idempotency ? { idempotency } : {}),
    })
    return this.commitView(run, null)
  }

  async getCommit(caller: Principal, name: string, id: string): Promise<DatasetCommit> {
    const run = await runOfDataset(this.rows, caller, 'dataset', name, id)
    const live = await this.live.of(run)
    return this.commitView(run, live && { stage: (live.answer as DatasetLive).stage })
  }

  async list({ project }: Principal, query: PageQuery): Promise<Page<Dataset>> {
    return mapPage(await this.datasets.list(project, query), datasetView)
  }

  async get({ project }: Principal, name: string): Promise<Dataset> {
    return datasetView(await this.datasets.get(project, name))
  }

  async versions({ project }: Principal, name: string, query: PageQuery): Promise<Page<DatasetVersion>> {
    return mapPage(await this.datasets.versions(project, name, query), row => versionView(name, row))
  }

  async version({ project }: Principal, name: string, version: VersionSelector): Promise<DatasetVersion> {
    return versionView(name, await this.datasets.version(project, name, version))
  }

  async readRows(
    { project }: Principal,
    name: string,
    version: VersionSelector,
    { offset = 0, limit = 20 }: { offset?: number; limit?: number },
  ): Promise<Rows> {
    const row = await this.datasets.table(project, name, version)
    const found = await withTemporary('rows', async temporaryDirectory => {
      const file = await this.objects.toFile(row.parquet.uri, temporaryDirectory)
      return readRows(file, { offset, limit }, { temporaryDirectory })
    })
    const columns = versionView(name, row).schema.map(column => column.name)
    return {
      columns,
      rows: found.rows.map(each => columns.map(column => each[column] ?? null)),
      offset,
      total: found.total,
    }
  }

  async download(
    { project }: Principal,
    name: string,
    version: VersionSelector,
    artifact: string,
    reply: FastifyReply,
  ): Promise<void> {
    const row = await this.datasets.version(project, name, version)
    assertReadable(name, row)
    const refs = artifactsOf(row)
    await sendArtifact(reply, this.objects, artifact, artifactNamed(refs, artifact))
  }

  private async commitView(run: Run, live: DatasetCommit['live']): Promise<DatasetCommit> {
    const steps = run.result === null ? [] : await this.ledger.steps(run.id)
    const commit = steps.findLast(each => each.step === 'commit')?.outcome as CommitOutcome | undefined
    const request = run.request as CommitRequest
    return {
      ...operationView(run, this.config.temporal),
      dataset: run.name,
      version: resultVersion(run),
      created: commit?.created ?? null,
      branch: commit ? (commit.branch ?? request.branch ?? MAIN) : null,
      suite: suiteOf(request),
      live,
    }
  }
}

function suiteOf({ suite }: CommitRequest): DatasetCommit['suite'] {
  return suite ? { ...suite } : null
}

/** @throws MlforgeError invalid_request, unknown_column */
function assertFits(dataset: string, { version, suite }: StoredSuite, columns: readonly KnownColumn[]): void {
  try {
    checkAccepted(suite.expectations, columns)
  } catch (error) {
    if (!(error instanceof MlforgeError)) throw error
    throw new MlforgeError(
      error.code,
      `The suite of dataset "${dataset}", version ${version}, does not fit this file: ${error.message} Correct the file, or the suite; or bring \`expectations\`.`,
      error.details,
    )
  }
}

function datasetView({
  name,
  latestVersion,
  createdAt,
  retention,
}: Pick<Dataset, 'name' | 'latestVersion' | 'retention'> & { createdAt: Date }): Dataset {
  return { name, latestVersion, createdAt: createdAt.toISOString(), retention }
}

function artifactsOf(row: VersionRow): Record<string, ContentRef> {
  if (!hasTable(row) || row.retiredAt !== null) return {}
  const reading = readingOf(row)
  return {
    [reading === null ? 'predictions.parquet' : rawName(reading.format)]: row.raw,
    'data.parquet': row.parquet,
    ...(row.quarantine && { [QUARANTINE_FILE]: row.quarantine }),
  }
}

function readingOf(row: VersionRow): Reading | null {
  const conversion = row.conversion as (ConversionSpec & Partial<JoinedConversion>) | null
  if (conversion === null || conversion.joined !== undefined) return null
  return completeReading(formOf(conversion))
}

function versionView(dataset: string, row: VersionRow): DatasetVersion {
  return {
    dataset,
    version: row.version,
    root: row.root,
    branch: row.branch,
    parentVersions: [...row.parentVersions],
    manifest: row.manifest,
    files: row.files,
    bytes: row.bytes === null ? null : Number(row.bytes),
    rows: row.rows === null ? null : Number(row.rows),
    quarantined: row.quarantine?.rows ?? 0,
    reading: readingOf(row),
    schema: (row.schema ?? []) as DatasetVersion['schema'],
    proposal: row.proposal,
    suite: row.suite && { ...row.suite },
    expectations: ((row.expectations ?? []) as Result[]).map(resultView),
    profile: row.profile,
    parents: [...row.parents],
    message: row.message,
    author: row.author,
    code: row.code === null ? null : { ...row.code },
    commit: row.commit,
    runId: row.runId,
    createdAt: row.createdAt.toISOString(),
    retiredAt: row.retiredAt?.toISOString() ?? null,
    purge: row.purge && { by: row.purge.by, reason: row.purge.reason },
    artifacts: artifactViews(`/v1/datasets/${dataset}/versions/${row.version}`, artifactsOf(row)),
  }
}

/** @throws MlforgeError invalid_request for what is no name of a branch */
function branchOf({ branch = MAIN, failedExpectations }: CommitDataset): string {
  const own = refNameProblem(branch)
  const message = own ?? (failedExpectations === 'quarantine' ? refNameProblem(quarantineOf(branch)) : null)
  if (message === null) return branch
  throw invalidRequest([{ at: 'branch', message }])
}

/** @throws MlforgeError invalid_request for bounds of a quarantine that is not asked for */
function badRowsOfRequest({ badRows = 'refuse', maxBadRows, maxBadShare }: CommitDataset): BadRows | null {
  if (badRows === 'quarantine') return badRowsOf({ maxBadRows, maxBadShare })
  const bounds = Object.entries({ maxBadRows, maxBadShare }).filter(([, bound]) => bound !== undefined)
  if (bounds.length === 0) return null
  const problems = bounds.map(([at]) => ({
    at,
    message: 'is a bound of badRows: quarantine, which is not asked for',
  }))
  throw new MlforgeError('invalid_request', `${problems[0]!.at} ${problems[0]!.message}.`, { problems })
}
