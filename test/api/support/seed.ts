import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createReadStream } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { badRowsOf } from '../../../domain/datasets/bad-rows.js'
import { conversionLike } from '../../../domain/datasets/conversion.js'
import type { Schema } from '../../../domain/datasets/schema.js'
import { convertToParquet } from '../../../stores/duckdb/ingest.js'
import { proposeTypes } from '../../../stores/duckdb/propose-types.js'
import { profileTable } from '../../../stores/duckdb/profile.js'
import { sha256Hex, uuidv7 } from '../../../stores/ids.js'
import { LocalObjectStore } from '../../../stores/objects/local-object-store.js'
import { DatasetStore } from '../../../stores/postgres/dataset-store.js'
import { ModelStore } from '../../../stores/postgres/model-store.js'
import type { TestApi } from './api.js'

/** Days with a count that follows from the hour; `label` is text, `same` is constant, `gap` is empty once. */
export function table(days: number): string {
  const lines = ['day,hour,temp,label,same,gap,cnt']
  for (let day = 1; day <= days; day++) {
    for (const hour of [0, 6, 12, 18]) {
      const gap = day === 2 && hour === 0 ? '' : String(hour)
      lines.push(
        `2011-01-${String(day).padStart(2, '0')},${hour},${day / 10},l${hour},1,${gap},${hour * 10 + day}`,
      )
    }
  }
  return `${lines.join('\n')}\n`
}

/** A version as the commit workflow would leave it, made by the same conversion and profile. */
export async function seedDataset(api: TestApi, name: string, csv: string): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'mlforge-seed-'))
  const objects = objectsOf(api)
  const datasets = new DatasetStore(api.database.dataSource)
  try {
    const file = join(directory, 'table.csv')
    const parquetFile = join(directory, 'table.parquet')
    await writeFile(file, csv)
    const [header = ''] = csv.split('\n')
    const summary = { delimiter: ',' as const, columns: header.split(',') }
    const last = await datasets.latest('default', name)
    const conversion = last
      ? conversionLike(last.schema as Schema, summary)
      : (await proposeTypes(file, summary, {})).conversion
    const rows = csv.trimEnd().split('\n').length - 1
    const quarantineFile = join(directory, 'quarantine.jsonl')
    const converted = await convertToParquet(file, conversion, parquetFile, {
      rows,
      inherited: last !== null,
      quarantine: { allowed: badRowsOf({}), file: quarantineFile },
    })
    const profile = await profileTable(parquetFile)
    const { schema, quarantined } = converted
    const quarantine =
      quarantined > 0 ? await objects.write('default', createReadStream(quarantineFile)) : null
    const raw = await objects.write('default', Buffer.from(csv))
    const parquet = await objects.write('default', createReadStream(parquetFile))
    return await api.database.dataSource.transaction(async transaction => {
      const { version } = await datasets.commit(transaction, 'default', name, {
        root: sha256Hex(csv),
        files: null,
        table: {
          rows: String(converted.rows),
          ...(quarantine && { quarantine: { ...quarantine, rows: quarantined } }),
          raw,
          parquet,
          schema,
          conversion,
          proposal: [],
          expectations: [],
          profile,
        },
        message: null,
        author: null,
        principal: 'key:test',
        runId: uuidv7(),
        effectKey: uuidv7(),
      })
      return version.version
    })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

const METRICS = { rmse: 1.5, mae: 1, wape: 0.1, relativeBias: null, r2: 0.9 }

/** A registered version whose model file has the bytes given. */
export async function seedModel(api: TestApi, name: string, bytes: string): Promise<number> {
  const model = await objectsOf(api).write('default', Buffer.from(bytes))
  const models = new ModelStore(api.database.dataSource)
  return api.database.dataSource.transaction(async transaction => {
    const version = await models.register(transaction, 'default', name, {
      engine: 'xgboost',
      sha256: model.sha256,
      artifacts: { 'model.ubj': model },
      signature: { inputs: ['hour'] },
      metrics: { model: METRICS, baseline: METRICS },
      gate: { passed: true, checks: [] },
      parity: { rows: 4, maxDifference: 0, worstRow: null, tolerance: 0.001, passed: true },
      lineage: { dataset: { name: 'bikes', version: 1 } },
      runId: uuidv7(),
      effectKey: uuidv7(),
    })
    return version.version
  })
}

export function objectsOf(api: TestApi): LocalObjectStore {
  return new LocalObjectStore(join(api.directory, 'objects'))
}

/** A training request that `table` can serve. */
export const TRAINING = {
  model: 'rides',
  dataset: { name: 'bikes' },
  rounds: 10,
  checkpointEvery: 5,
  features: ['hour', 'temp'],
  target: 'cnt',
  split: {
    column: 'day',
    train: { until: '2011-01-08' },
    holdout: { from: '2011-01-08', until: '2011-01-11' },
  },
}
