import type { DataSource, EntityManager } from 'typeorm'
import type { StackFacts } from '../../domain/check/facts.js'
import { Checkpoint } from '../../stores/postgres/entities/checkpoint.js'
import { Dataset, DatasetVersion } from '../../stores/postgres/entities/dataset.js'
import { LedgerStep } from '../../stores/postgres/entities/ledger-step.js'
import { LineageEdgeRow } from '../../stores/postgres/entities/lineage.js'
import { AliasChange, Model, ModelAlias, ModelVersion } from '../../stores/postgres/entities/model.js'
import { OutboxRow } from '../../stores/postgres/entities/outbox.js'
import { Run } from '../../stores/postgres/entities/run.js'
import { Schedule } from '../../stores/postgres/entities/schedule.js'
import { Transformation, TransformationVersion } from '../../stores/postgres/entities/transformation.js'
import { Upload } from '../../stores/postgres/entities/upload.js'
import { assetRows } from './check-assets.js'
import { dataRows } from './check-data.js'
import { pipelineRows } from './check-pipelines.js'
import { sensorRows } from './check-sensors.js'
import { servingRows } from './check-serving.js'

/** The part of the facts that the database holds. */
export type RowFacts = Omit<
  StackFacts,
  'workflows' | 'openWorkflows' | 'objects' | 'logged' | 'retentionDays'
>

/**
 * All rows that a check looks at, as they were at one moment.
 * @param snapshot that moment, where another transaction has exported it
 */
export async function readRows(dataSource: DataSource, snapshot?: string): Promise<RowFacts> {
  return dataSource.transaction('REPEATABLE READ', async transaction => {
    await transaction.query('SET TRANSACTION READ ONLY')
    if (snapshot !== undefined) await transaction.query(`SET TRANSACTION SNAPSHOT '${snapshot}'`)
    return rowsIn(transaction)
  })
}

async function rowsIn(transaction: EntityManager): Promise<RowFacts> {
  const clock: { now: Date }[] = await transaction.query('SELECT now()')
  return {
    now: clock[0]!.now,
    datasets: await transaction.find(Dataset, { order: { project: 'ASC', name: 'ASC' } }),
    // Profiles and schemas are large and say nothing that the root does not.
    datasetVersions: await transaction.find(DatasetVersion, {
      select: {
        id: true,
        datasetId: true,
        version: true,
        root: true,
        rows: true,
        parents: true,
        raw: true,
        parquet: true,
        quarantine: true,
        branch: true,
        commit: true,
        retiredAt: true,
        purge: true,
        runId: true,
        effectKey: true,
      } as never,
    }),
    models: await transaction.find(Model, { order: { project: 'ASC', name: 'ASC' } }),
    modelVersions: await transaction.find(ModelVersion),
    transformations: await transaction.find(Transformation, { order: { project: 'ASC', name: 'ASC' } }),
    transformationVersions: await transaction.find(TransformationVersion),
    aliases: await transaction.find(ModelAlias, { order: { alias: 'ASC' } }),
    aliasChanges: await transaction.find(AliasChange, { order: { at: 'ASC', id: 'ASC' } }),
    schedules: await transaction.find(Schedule),
    uploads: await transaction.find(Upload),
    checkpoints: await transaction.find(Checkpoint),
    ledger: await transaction.find(LedgerStep),
    lineage: await transaction.find(LineageEdgeRow),
    runs: await transaction.find(Run, { order: { createdAt: 'ASC', id: 'ASC' } }),
    ...(await servingRows(transaction)),
    ...(await pipelineRows(transaction)),
    ...(await sensorRows(transaction)),
    ...(await assetRows(transaction)),
    ...(await dataRows(transaction)),
    owed: (await transaction.find(OutboxRow)).filter(row => row.doneAt === null),
  }
}
