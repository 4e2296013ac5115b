import { join } from 'node:path'
import type { FitOutcome, FitRequest } from '../contracts/temporal/fits.js'
import type { ContentRef, RunInput } from '../contracts/temporal/messages.js'
import { effectKey } from '../domain/names.js'
import { type FittedTransformation, fittedJson } from '../domain/transformations/fitted.js'
import { readFitted } from '../domain/transformations/read-fitted.js'
import { applyTransformation, fitTransformation } from '../stores/duckdb/transformations.js'
import { reads, writes } from '../stores/lineage-scope.js'
import type { Effect } from '../stores/postgres/ledger-store.js'
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
            const { dataset, where, steps } = (await runs.get(project, runId)).request as FitRequest
            reads({ kind: 'dataset', name: dataset.name, version: dataset.version })
            const { parquet } = await datasets.table(project, dataset.name, {
              kind: 'number',
              version: dataset.version,
            })
            const file = await objects.toFile(parquet.uri, directory)
            const fitted = await fitTransformation(
              { file, steps, ...(where !== null && { where }) },
              { signal, temporaryDirectory: directory },
            )
            return registerFitted(ports, { project, name }, fitted, {
              fittedWhere: where,
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
    store = writeFile,
  }: { project: string; uri: string; name: string; version: number; store?: typeof writeFile },
  directory: string,
  signal: AbortSignal,
): Promise<TransformedContent> {
  const { state } = await transformations.version(project, name, version)
  reads({ kind: 'transformation', name, version })
  const fitted = readFitted(await readJson(objects, state.uri))
  const file = await objects.toFile(uri, directory)
  const outFile = join(directory, 'transformed.parquet')
  const { rows, columns } = await applyTransformation(
    { file, fitted, outFile },
    { signal, temporaryDirectory: directory },
  )
  const written = await store(objects, project, outFile)
  return { ...written, rows, columns: columns.map(column => column.name) }
}

/** Keeps what was learned; the version is made in the transaction that ends the step. */
export async function registerFitted(
  { objects, transformations }: Pick<Ports, 'objects' | 'transformations'>,
  { project, name }: { readonly project: string; readonly name: string },
  fitted: FittedTransformation,
  origin: Pick<NewTransformationVersion, 'fittedWhere' | 'dataset' | 'runId' | 'effectKey'>,
): Promise<Effect<FitOutcome>> {
  const state = await json(objects, project, fittedJson(fitted))
  const { steps, input, output, rows } = fitted
  return async transaction => {
    const { version, created } = await transformations.register(transaction, project, name, {
      ...origin,
      sha256: state.sha256,
      state,
      steps,
      input,
      output,
      rows: String(rows),
    })
    writes({ kind: 'transformation', name, version: version.version })
    return { version: version.version, sha256: version.sha256, rows, created }
  }
}
