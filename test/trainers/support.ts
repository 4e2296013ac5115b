import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { engineLibrary } from '../../config/engines.js'
import { validateXgboostParameters } from '../../domain/training/xgboost-parameters.js'
import type { ModelSignature } from '../../domain/models/signature.js'
import type { TrainJob } from '../../trainers/protocol.js'
import { cacheDirectory } from '../support/python.js'

export const LIBRARY = engineLibrary(cacheDirectory())
const DATA = fileURLToPath(new URL('../../../examples/bike-sharing/bike-sharing-hour.csv', import.meta.url))

export const FEATURES = [
  'season',
  'yr',
  'mnth',
  'hr',
  'holiday',
  'weekday',
  'workingday',
  'weathersit',
  'temp',
  'atemp',
  'hum',
  'windspeed',
] as const

export const SIGNATURE: ModelSignature = {
  features: FEATURES.map(name => ({ name, type: 'number' })),
  target: 'cnt',
  output: { name: 'prediction', clip: { min: 0 } },
}

export async function temporaryDirectory(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'mlforge-trainers-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/**
 * Writes rows of the bike-sharing file as Parquet.
 * @param columns SQL of the select list, `*` for the columns as they are
 */
export async function writeBikeRows(file: string, where: string, columns = '*'): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  await connection.run(
    `COPY (SELECT ${columns} FROM read_csv('${DATA}', header = true, types = {'dteday': 'VARCHAR'})
     WHERE ${where} ORDER BY instant) TO '${file}' (FORMAT parquet)`,
  )
  connection.closeSync()
  instance.closeSync()
}

export function trainJob(
  directory: string,
  file: string,
  rest: Partial<TrainJob> = {},
  parameters: Readonly<Record<string, unknown>> = {},
): TrainJob {
  const validated = validateXgboostParameters(
    {
      max_depth: 6,
      eta: 0.02,
      subsample: 0.8,
      min_child_weight: 5,
      tree_method: 'exact',
      seed: 42,
      ...parameters,
    },
    { exactResume: true },
  )
  if (validated.problems.length > 0) throw new Error(JSON.stringify(validated.problems))
  return {
    kind: 'train',
    library: LIBRARY,
    data: { file, features: FEATURES, target: 'cnt' },
    parameters: validated.parameters,
    rounds: 200,
    checkpointEvery: 50,
    directory,
    ...rest,
  }
}

/** True when there is no such process any more; a zombie only waits to be counted. */
export function isGone(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return true
  try {
    return / [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/, ''))
  } catch {
    return true
  }
}
