import { Inject, Injectable } from '@nestjs/common'
import type { CommitDataset } from '../../contracts/rest/datasets.js'
import type { TransformedSource } from '../../contracts/rest/fits.js'
import { selectorOf } from '../../domain/data/selector.js'
import type { CommitRequest } from '../../domain/datasets/commit-request.js'
import { checkDeclared, type Schema } from '../../domain/datasets/schema.js'
import type { MlforgeError } from '../../domain/errors.js'
import { applicableColumns } from '../../domain/transformations/applicable.js'
import { transformationMismatch } from '../../domain/transformations/problems.js'
import { columnsOfSchema } from '../../domain/transformations/columns.js'
import { DatasetStore } from '../../stores/postgres/dataset-store.js'
import type { TransformationVersion } from '../../stores/postgres/entities/transformation.js'
import { TransformationStore } from '../../stores/postgres/transformation-store.js'
import { UploadStore } from '../../stores/postgres/upload-store.js'
import type { Principal } from '../http/request.js'
import { invalidRequest } from '../http/validation.js'

/** Where the bytes of a commit come from, with what is known of its columns. */
export interface CommitSource {
  readonly names: readonly string[] | null
  readonly columns: CommitRequest['columns']
  readonly request: Pick<CommitRequest, 'upload' | 'transformed'>
}

@Injectable()
export class CommitSources {
  constructor(
    @Inject(UploadStore) private readonly uploads: UploadStore,
    @Inject(DatasetStore) private readonly datasets: DatasetStore,
    @Inject(TransformationStore) private readonly transformations: TransformationStore,
  ) {}

  /** Where the bytes of a commit come from, with what is known of its columns. */
  async of(
    { project }: Principal,
    { upload: uploadId, transformed, ...reading }: CommitDataset,
  ): Promise<CommitSource> {
    const { columns = {} } = reading
    if ((uploadId === undefined) === (transformed === undefined)) throw oneSource()
    if (transformed !== undefined) {
      const ofFiles = (['columns', 'nullValues', 'badRows'] as const).filter(at => reading[at] !== undefined)
      if (ofFiles.length > 0) throw onlyOfUploads(ofFiles)
      return this.transformedSource(project, transformed)
    }
    const upload = await this.uploads.get(project, uploadId!)
    if (upload.reading?.ragged === true && reading.badRows !== 'quarantine') throw raggedUpload()
    return {
      names: upload.columns,
      // The columns of Parquet are read by the commit itself.
      columns: upload.columns ? checkDeclared(columns, upload.columns) : columns,
      request: {
        upload: {
          id: upload.id,
          uri: upload.uri,
          sha256: upload.sha256,
          bytes: Number(upload.bytes),
          delimiter: upload.delimiter,
          columns: upload.columns,
          rows: upload.rows === null ? null : Number(upload.rows),
          ...(upload.reading && { reading: upload.reading }),
        },
      },
    }
  }

  /** @throws MlforgeError transformation_mismatch where the version lacks columns, or has others of their names */
  private async transformedSource(
    project: string,
    {
      dataset,
      version: selected = 'latest',
      transformation,
      transformationVersion,
      outOfFold = false,
    }: TransformedSource,
  ): Promise<CommitSource> {
    const fitted = await this.transformations.version(project, transformation, transformationVersion)
    const table = await this.datasets.table(project, dataset, selectorOf(selected))
    applicableColumns(fitted, columnsOfSchema(table.schema as Schema))
    if (outOfFold && fitted.folds?.table !== table.parquet.sha256) {
      throw notDealt(`${transformation}@${fitted.version}`, fitted, `${dataset}@${table.version}`)
    }
    return {
      names: fitted.output.map(column => column.name),
      columns: {},
      request: {
        transformed: {
          dataset: { name: dataset, version: table.version },
          transformation: { name: transformation, version: fitted.version },
          ...(outOfFold && { outOfFold }),
        },
      },
    }
  }
}

function notDealt(
  transformation: string,
  { folds, dataset }: Pick<TransformationVersion, 'folds' | 'dataset'>,
  table: string,
): MlforgeError {
  const of = dataset ? `: that of ${dataset.name}@${dataset.version}` : ''
  const message =
    folds === null
      ? `${transformation} was fitted without folds. Fit it again with folds, or leave this out.`
      : `The folds of ${transformation} are of another table than that of ${table}${of}. Leave this out.`
  return transformationMismatch([{ at: 'transformed.outOfFold', message }])
}

function raggedUpload(): MlforgeError {
  const message = 'The upload has rows with another number of fields: "quarantine" puts them aside.'
  return invalidRequest([{ at: 'badRows', message }])
}

function oneSource(): MlforgeError {
  const message = 'Give either the id of an upload, or a transformation and what it is applied to.'
  return invalidRequest([{ at: 'upload', message }])
}

function onlyOfUploads(fields: readonly string[]): MlforgeError {
  return invalidRequest(
    fields.map(at => ({ at, message: 'Says how an upload is read; a transformation gives typed columns.' })),
  )
}
