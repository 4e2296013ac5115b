import { DataSource, type DataSourceOptions } from 'typeorm'
import { ApiKey } from './entities/api-key.js'
import { Checkpoint } from './entities/checkpoint.js'
import { Dataset, DatasetVersion } from './entities/dataset.js'
import { IdempotencyKey } from './entities/idempotency-key.js'
import { Lease } from './entities/lease.js'
import { LedgerStep } from './entities/ledger-step.js'
import { AliasChange, Model, ModelAlias, ModelVersion } from './entities/model.js'
import { OutboxRow } from './entities/outbox.js'
import { Project } from './entities/project.js'
import { Run } from './entities/run.js'
import { Schedule } from './entities/schedule.js'
import { Upload } from './entities/upload.js'
import { Foundation1764000000000 } from './migrations/1764000000000-foundation.js'
import { SnakeNaming } from './snake-naming.js'

export const ENTITIES = [
  Project,
  ApiKey,
  Run,
  OutboxRow,
  IdempotencyKey,
  Lease,
  LedgerStep,
  Checkpoint,
  Upload,
  Dataset,
  DatasetVersion,
  Model,
  ModelVersion,
  ModelAlias,
  AliasChange,
  Schedule,
]

/** In the order they are applied. Expand first, contract in a later release. */
export const MIGRATIONS = [Foundation1764000000000]

export function dataSourceOptions(url: string, poolSize = 10): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    entities: ENTITIES,
    migrations: MIGRATIONS,
    migrationsTransactionMode: 'each',
    namingStrategy: new SnakeNaming(),
    synchronize: false,
    poolSize,
    // A statement that hangs must not hold its caller: every external call has a deadline.
    extra: {
      connectionTimeoutMillis: 5_000,
      statement_timeout: 30_000,
      idle_in_transaction_session_timeout: 60_000,
    },
  }
}

export async function connectPostgres(url: string, poolSize?: number): Promise<DataSource> {
  return new DataSource(dataSourceOptions(url, poolSize)).initialize()
}
