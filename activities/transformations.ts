import { join } from 'node:path'
import type { FitOutcome, FitRequest } from '../contracts/temporal/fits.js'
import type { ContentRef, RunInput } from '../contracts/temporal/messages.js'
import { effectKey } from '../domain/names.js'
import { type FittedTransformation, fittedJson, type Folds } from '../domain/transformations/fitted.js'
import { readFitted } from '../domain/transformations/read-fitted.js'
import type { DuckDbOptions } from '../stores/duckdb/duckdb.js'
import {
  applyFolds,
  applyTransformation,
  crossFit,
  type CrossFitted,
  type FitRequest as TableFit,
  fitTransformation,
} from '../stores/duckdb/transformations.js'
import { reads, writes } from '../stores/lineage-scope.js'
import type { ObjectStore } from '../stores/objects/object-store.js'
import type { Effect } from '../stores/postgres/ledger-store.js'
import type { StoredFolds } from '../stores/postgres/entities/transformation.js'
import type { NewTransformationVersion } from '../stores/postgres/transformation-store.js'
import { beatWhile } from './heartbeats.js'
import { json, readJson, writeFile } from './objects.js'
import type { Ports } from './ports.js'
import { withScratch } from './scratch.js'
import { onceStep } from './step.js'

type TransformationPorts = Pick<
  Ports,
  'runs' | 'ledger' | 'wakes' | 'datasets' | 'transformations' | 'objects' | 'scratch'
>

export function transformationActivities(ports: TransformationPorts) {
  const { runs, datasets, objects, scratch } = ports

  return {
    /** Fits steps to the rows of a version of a dataset; what they have learned is the next version of the transformation. */
    async fitVersion(input: RunInput): Promise<FitOutcome> {
      const { project, name, runId } = input
      return onceStep<FitOutcome>(ports, input, 'fit', () =>
        withScratch(scratch, directory =>
          beatWhile('fitting', async signal => {
            const { dataset, where, steps, folds } = (await runs.get(project, runId)).request as FitRequest
            reads({ kind: 'dataset', name: dataset.name, version: dataset.version })
            const { parquet } = await datasets.table(project, dataset.name, {
              kind: 'number',
              version: dataset.version,
            })
            const file = await objects.toFile(parquet.uri, directory)
            const learned = await learn(
              { file, steps, ...(where !== null && { where }), ...(folds && { folds }) },
              { signal, temporaryDirectory: directory },
            )
            return registerFitted(ports, { project, name }, learned, {
              fittedWhere: where,
              table: parquet.sha256,
              dataset,
              runId,
              effectKey: effectKey(input, 'fit'),
            })
          }),
        ),
      )
    },
  }
}

export type TransformationActivities = ReturnType<typeof transformationActivities>

/** A table whose folds are to be learned of too, where it has any. */
export type Learning = TableFit & { readonly folds?: Folds }

/** What was learned of a table, with how it was dealt. */
export type Learned = Pick<CrossFitted, 'fitted'> & { readonly dealt?: Folds & Pick<CrossFitted, 'ofFolds'> }

export async function learn({ folds, ...asked }: Learning, options: DuckDbOptions): Promise<Learned> {
  if (folds === undefined) return { fitted: await fitTransformation(asked, options) }
  const { fitted, ofFolds } = await crossFit({ ...asked, folds }, options)
  return { fitted, dealt: { ...folds, ofFolds } }
}

export interface TransformedContent extends ContentRef {
  readonly rows: number
  /** Their names. */
  readonly columns: readonly string[]
}

/** What a version of a transformation makes of a table, as an object; `uri` is that of the table, `store` how it is kept. */
export async function applyVersion(
  { objects, transformations }: Pick<Ports, 'objects' | 'transformations'>,
  {
    project,
    uri,
    name,
    version,
    outOfFold = false,
    store = writeFile,
  }: {
    project: string
    uri: string
    name: string
    version: number
    /** Only of the table that the version was fitted to. */
    outOfFold?: boolean
    store?: typeof writeFile
  },
  directory: string,
  signal: AbortSignal,
): Promise<TransformedContent> {
  const { state, folds, fittedWhere } = await transformations.version(project, name, version)
  reads({ kind: 'transformation', name, version })
  const fitted = readFitted(await readJson(objects, state.uri))
  const file = await objects.toFile(uri, directory)
  const outFile = join(directory, 'transformed.parquet')
  const options = { signal, temporaryDirectory: directory }
  const asked = { file, fitted, outFile }
  const { rows, columns } = outOfFold
    ? await applyFolds({ ...asked, ...(await dealtOf(objects, folds!, fittedWhere)) }, options)
    : await applyTransformation(asked, options)
  const written = await store(objects, project, outFile)
  return { ...written, rows, columns: columns.map(column => column.name) }
}

async function dealtOf(objects: ObjectStore, folds: StoredFolds, where: string | null) {
  const ofFolds: FittedTransformation[] = []
  for (const { uri } of folds.states) ofFolds.push(readFitted(await readJson(objects, uri)))
  return { folds, ofFolds, ...(where !== null && { where }) }
}

/** Keeps what was learned; the version is made in the transaction that ends the step. */
export async function registerFitted(
  { objects, transformations }: Pick<Ports, 'objects' | 'transformations'>,
  { project, name }: { readonly project: string; readonly name: string },
  { fitted, dealt }: Learned,
  {
    table,
    ...origin
  }: Pick<NewTransformationVersion, 'fittedWhere' | 'dataset' | 'runId' | 'effectKey'> & {
    /** SHA-256 of what was learned from. */
    readonly table: string
  },
): Promise<Effect<FitOutcome>> {
  const state = await json(objects, project, fittedJson(fitted))
  const states: ContentRef[] = []
  for (const each of dealt?.ofFolds ?? []) states.push(await json(objects, project, fittedJson(each)))
  const { steps, input, output, rows } = fitted
  return async transaction => {
    const { version, created } = await transformations.register(transaction, project, name, {
      ...origin,
      sha256: state.sha256,
      state,
      folds: dealt ? { count: dealt.count, seed: dealt.seed, table, states } : null,
      steps,
      input,
      output,
      rows: String(rows),
    })
    writes({ kind: 'transformation', name, version: version.version })
    return { version: version.version, sha256: version.sha256, rows, created }
  }
}
