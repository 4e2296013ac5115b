import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DataSource } from 'typeorm'
import { writeFile } from '../../activities/objects.js'
import type { Ports } from '../../activities/ports.js'
import type { PredictionRecord } from '../../domain/serving/prediction-record.js'
import { PredictionTable } from '../../stores/duckdb/predictions-write.js'
import { uuidv7 } from '../../stores/ids.js'
import type { NewPredictionFile } from '../../stores/postgres/entities/prediction.js'
import { segmentOf } from '../stores/segments/records.js'

type LogPorts = Pick<Ports, 'predictions' | 'objects'>

/** Predictions as ingestion leaves them: a file in the catalogue, of one replica's records in order. */
export async function logPredictions(
  { predictions, objects }: LogPorts,
  dataSource: DataSource,
  deployment: { readonly id: string; readonly name: string },
  records: readonly PredictionRecord[],
): Promise<NewPredictionFile> {
  const directory = await mkdtemp(join(tmpdir(), 'mlforge-log-'))
  const out = join(directory, 'predictions.parquet')
  const replica = uuidv7()
  try {
    const written = await PredictionTable.with(directory, {}, async table => {
      await table.stage({
        replica,
        segment: 1,
        bytes: segmentOf(records),
        records: records.length,
        firstSequence: records[0]!.sequence,
        lastSequence: records.at(-1)!.sequence,
      })
      await table.keep([])
      return table.write(deployment.name, out)
    })
    const { uri, sha256, bytes } = await writeFile(objects, 'default', out)
    const file = {
      id: uuidv7(),
      deploymentId: deployment.id,
      uri,
      sha256,
      bytes: String(bytes),
      rows: written.rows,
      minEventTime: new Date(written.minEventTime!),
      maxEventTime: new Date(written.maxEventTime!),
      minRevision: written.minRevision!,
      maxRevision: written.maxRevision!,
      segments: [`${replica}/1`],
      gaps: [],
      effectKey: uuidv7(),
    }
    await dataSource.transaction(transaction => predictions.finish(transaction, [], [file]))
    return file
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
