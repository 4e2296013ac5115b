import { Inject, Injectable } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import type { Config } from '../../config/config.js'
import type { Page, PageQuery } from '../../contracts/rest/common.js'
import type {
  Fit,
  StartFit,
  Transformation,
  TransformationVersion,
  TransformedRows,
  TransformRows,
} from '../../contracts/rest/fits.js'
import type { FitOutcome, FitRequest } from '../../contracts/temporal/fits.js'
import type { Json } from '../../domain/canonical-json.js'
import { selectorOf } from '../../domain/data/selector.js'
import type { Schema } from '../../domain/datasets/schema.js'
import { MlforgeError, type Problem } from '../../domain/errors.js'
import { applyRow, canApplyRows, type Row } from '../../domain/transformations/apply-row.js'
import { columnsOfSchema } from '../../domain/transformations/columns.js'
import { checkSteps } from '../../domain/transformations/plan.js'
import { transformationMismatch } from '../../domain/transformations/problems.js'
import { readFitted } from '../../domain/transformations/read-fitted.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { bytesOf } from '../../stores/objects/whole.js'
import { DatasetStore } from '../../stores/postgres/dataset-store.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import type { TransformationVersion as VersionRow } from '../../stores/postgres/entities/transformation.js'
import { LedgerStore } from '../../stores/postgres/ledger-store.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import { type LatestTransformation, TransformationStore } from '../../stores/postgres/transformation-store.js'
import { artifactNamed, artifactViews, sendArtifact } from '../http/download.js'
import type { Idempotency } from '../http/idempotency.js'
import { assertName } from '../http/params.js'
import { mapPage } from '../http/paging.js'
import type { Principal } from '../http/request.js'
import { invalidRequest } from '../http/validation.js'
import { CONFIG, OBJECTS } from '../platform/tokens.js'
import { operationView, resultVersion } from '../runs/run-view.js'
import { RunsService } from '../runs/runs.service.js'

/** Of many rows that are wrong in the same way the first tell enough. */
const MOST_PROBLEMS = 100

@Injectable()
export class TransformationsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(OBJECTS) private readonly objects: ObjectStore,
    @Inject(DatasetStore) private readonly datasets: DatasetStore,
    @Inject(TransformationStore) private readonly transformations: TransformationStore,
    @Inject(LedgerStore) private readonly ledger: LedgerStore,
    @Inject(RunStore) private readonly rows: RunStore,
    @Inject(RunsService) private readonly runs: RunsService,
  ) {}

  async fit(
    caller: Principal,
    name: string,
    { dataset, version: selected = 'latest', where, steps, folds, seed }: StartFit,
    idempotency: Idempotency | undefined,
  ): Promise<Fit> {
    assertName('transformation', name)
    if (seed !== undefined && folds === undefined) throw seedWithoutFolds()
    // Names such as `latest` may mean another version by now.
    const replayed = idempotency && (await this.rows.replayed(caller.project, caller.name, idempotency))
    if (replayed) return this.fitView(replayed)
    const table = await this.datasets.table(caller.project, dataset, selectorOf(selected))
    const checked = checkSteps(steps as unknown as Json, columnsOfSchema(table.schema as Schema))
    const request: FitRequest = {
      dataset: { name: dataset, version: table.version, root: table.root },
      where: where ?? null,
      steps: checked,
      ...(folds !== undefined && { folds: { count: folds, seed: seed ?? 0 } }),
    }
    const run = await this.runs.accept(caller, {
      kind: 'fit',
      name,
      request,
      ...(idempotency ? { idempotency } : {}),
    })
    return this.fitView(run)
  }

  /** @throws MlforgeError not_found for a run of another transformation, or of another kind */
  async getFit({ project }: Principal, name: string, id: string): Promise<Fit> {
    const run = await this.rows.get(project, id)
    if (run.kind === 'fit' && run.name === name) return this.fitView(run)
    throw new MlforgeError(
      'not_found',
      `Transformation "${name}" has no fit ${id}. Any run is at /v1/operations/${id}.`,
    )
  }

  async list({ project }: Principal, query: PageQuery): Promise<Page<Transformation>> {
    return mapPage(await this.transformations.list(project, query), transformationView)
  }

  async get({ project }: Principal, name: string): Promise<Transformation> {
    return transformationView(await this.transformations.get(project, name))
  }

  async versions(
    { project }: Principal,
    name: string,
    query: PageQuery,
  ): Promise<Page<TransformationVersion>> {
    return mapPage(await this.transformations.versions(project, name, query), row => versionView(name, row))
  }

  async version(caller: Principal, name: string, version: number | 'latest'): Promise<TransformationVersion> {
    return versionView(name, await this.find(caller, name, version))
  }

  async transformRows(
    caller: Principal,
    name: string,
    version: number | 'latest',
    { rows }: TransformRows,
  ): Promise<TransformedRows> {
    const { state } = await this.find(caller, name, version)
    const fitted = readFitted(JSON.parse((await bytesOf(this.objects, state.uri)).toString()) as Json)
    // What is wrong with the steps is not so with each row.
    const { prevented } = canApplyRows(fitted)
    if (prevented.length > 0) throw transformationMismatch(prevented)
    const problems: Problem[] = []
    const transformed = rows.map((row, i) => {
      try {
        return applyRow(fitted, rowOf(row))
      } catch (error) {
        if (!(error instanceof MlforgeError) || error.code !== 'transformation_mismatch') throw error
        const { problems: ofRow = [] } = error.details
        problems.push(...ofRow.map(({ at, message }) => ({ at: `rows[${i}].${at}`, message })))
        return {}
      }
    })
    if (problems.length > 0) throw transformationMismatch(problems.slice(0, MOST_PROBLEMS))
    return { rows: transformed }
  }

  async download(
    caller: Principal,
    name: string,
    version: number | 'latest',
    artifact: string,
    reply: FastifyReply,
  ): Promise<void> {
    const refs = artifactsOf(await this.find(caller, name, version))
    await sendArtifact(reply, this.objects, artifact, artifactNamed(refs, artifact))
  }

  private find({ project }: Principal, name: string, version: number | 'latest'): Promise<VersionRow> {
    return this.transformations.version(project, name, version === 'latest' ? undefined : version)
  }

  private async fitView(run: Run): Promise<Fit> {
    const { dataset, where, folds } = run.request as FitRequest
    const steps = run.result === null ? [] : await this.ledger.steps(run.id)
    const outcome = steps.findLast(({ step }) => step === 'fit')?.outcome as FitOutcome | undefined
    return {
      ...operationView(run, this.config.temporal),
      transformation: run.name,
      dataset: { ...dataset },
      where,
      folds: folds ?? null,
      version: resultVersion(run),
      created: outcome?.created ?? null,
    }
  }
}

/** @throws MlforgeError transformation_mismatch for what is no object */
function rowOf(value: unknown): Row {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Row
  throw transformationMismatch([{ at: 'row', message: 'Must be an object of values by column.' }])
}

function transformationView({ name, latestVersion, createdAt }: LatestTransformation): Transformation {
  return { name, latestVersion, createdAt: createdAt.toISOString() }
}

function seedWithoutFolds(): MlforgeError {
  return invalidRequest([{ at: 'seed', message: 'Is that of folds: say how many, or leave it out.' }])
}

function artifactsOf({ state, folds }: VersionRow) {
  const ofFolds = folds?.states.map((each, fold) => [`fold-${fold}.json`, each] as const) ?? []
  return { 'state.json': state, ...Object.fromEntries(ofFolds) }
}

function versionView(transformation: string, row: VersionRow): TransformationVersion {
  return {
    transformation,
    version: row.version,
    sha256: row.sha256,
    steps: [...row.steps] as TransformationVersion['steps'],
    input: [...row.input],
    output: [...row.output],
    rows: Number(row.rows),
    where: row.fittedWhere,
    folds: row.folds && { count: row.folds.count, seed: row.folds.seed },
    dataset: row.dataset && { ...row.dataset },
    runId: row.runId,
    createdAt: row.createdAt.toISOString(),
    artifacts: artifactViews(
      `/v1/transformations/${transformation}/versions/${row.version}`,
      artifactsOf(row),
    ),
  }
}
