import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DataSource } from 'typeorm'
import type { PredictionRecord } from '../../domain/serving/prediction-record.js'
import { PredictionTable } from '../../stores/duckdb/predictions-write.js'
import { uuidv7 } from '../../stores/ids.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { type PredictionGap, PredictionFile } from '../../stores/postgres/entities/prediction.js'
import { encodeRecord } from '../../stores/segments/segment-codec.js'

export interface Ingested {
  readonly project: string
  readonly deploymentId: string
  readonly deployment: string
  readonly gaps?: readonly PredictionGap[]
}

export type LoggedRow = Pick<PredictionRecord, 'id' | 'version' | 'eventTime' | 'features' | 'output'> &
  Partial<Pick<PredictionRecord, 'role' | 'key' | 'at'>>

/** Rows as the ingest of a replica's segment leaves them: a Parquet object and its line in the catalogue. */
export async function ingestRows(
  { objects, dataSource }: { objects: ObjectStore; dataSource: DataSource },
  { project, deploymentId, deployment, gaps = [] }: Ingested,
  rows: readonly LoggedRow[],
): Promise<PredictionFile> {
  const directory = await mkdtemp(join(tmpdir(), 'mlforge-predictions-'))
  try {
    const records = rows.map((row, at): PredictionRecord => ({
      sequence: at + 1,
      deployment,
      role: 'stable',
      revision: 1,
      key: row.id,
      at: row.eventTime,
      ...row,
    }))
    const file = join(directory, 'predictions.parquet')
    const replica = uuidv7()
    const written = await PredictionTable.with(directory, {}, async table => {
      const bytes = Buffer.concat(records.map(encodeRecord))
      await table.stage({
        replica,
        segment: 1,
        bytes,
        records: records.length,
        firstSequence: 1,
        lastSequence: records.length,
      })
      await table.keep([])
      return table.write(deployment, file)
    })
    const { uri, sha256, bytes } = await objects.write(project, createReadStream(file))
    const times = [
      written.minEventTime!,
      written.maxEventTime!,
      ...gaps.flatMap(gap => [gap.fromEventTime, gap.toEventTime]),
    ]
    return await dataSource.getRepository(PredictionFile).save({
      id: uuidv7(),
      deploymentId,
      uri,
      sha256,
      bytes: String(bytes),
      rows: written.rows,
      minEventTime: new Date(Math.min(...times)),
      maxEventTime: new Date(Math.max(...times)),
      minRevision: 1,
      maxRevision: 1,
      segments: [`${replica}/1`],
      gaps,
      effectKey: uuidv7(),
      createdAt: new Date(),
    })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
