import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { CommitDataset, Expectation } from '../../contracts/rest/datasets.js'
import type { StartTraining } from '../../contracts/rest/trainings.js'

// Compiled code lies in dist/, the data beside the source.
const FILE = fileURLToPath(new URL('../../../examples/bike-sharing/bike-sharing-hour.csv', import.meta.url))

export interface Table {
  readonly header: string
  readonly lines: readonly string[]
}

export async function bikeTable(): Promise<Table> {
  const [header = '', ...lines] = (await readFile(FILE, 'utf8')).trimEnd().split(/\r?\n/)
  return { header, lines }
}

/** The hours of some months of a year, as CSV. */
export function months({ header, lines }: Table, year: number, from: number, to: number): string {
  const wanted = lines.filter(line => {
    const [month, , rowYear] = line.split(',')[1]!.split('/').map(Number) as [number, number, number]
    return rowYear === year && month >= from && month <= to
  })
  return `${[header, ...wanted].join('\n')}\n`
}

/** The first days of 2011, whose dates read both as month/day and as day/month. */
export function firstDays({ header, lines }: Table, days: number): string {
  const wanted = lines
    .filter(line => Number(line.split(',')[1]!.split('/')[1]) <= days)
    .slice(0, days * 24 - 5)
  return `${[header, ...wanted].join('\n')}\n`
}

export const FEATURES =
  'season yr mnth hr holiday weekday workingday weathersit temp atemp hum windspeed'.split(' ')

const EXPECTATIONS: Expectation[] = [
  { kind: 'row_count', min: 4_000, max: 20_000 },
  ...[...FEATURES, 'dteday', 'cnt'].map(column => ({ kind: 'not_null' as const, column })),
  { kind: 'range', column: 'hr', min: 0, max: 23 },
  { kind: 'range', column: 'cnt', min: 1, max: 1_000 },
  ...['temp', 'atemp', 'hum', 'windspeed'].map(column => ({
    kind: 'range' as const,
    column,
    min: 0,
    max: 1,
  })),
  { kind: 'in_set', column: 'weathersit', values: [1, 2, 3, 4] },
  { kind: 'in_set', column: 'season', values: [1, 2, 3, 4] },
  { kind: 'unique', columns: ['dteday', 'hr'] },
  { kind: 'range', column: 'hum', exclusiveMin: 0, severity: 'warning' },
]

export function commitOf(upload: string, message: string): CommitDataset {
  return {
    upload,
    columns: { dteday: { type: 'date', format: '%m/%d/%Y' } },
    expectations: EXPECTATIONS,
    message,
  }
}

/** The training of the demo: eight months to learn from, two held out. */
export const TRAINING: StartTraining = {
  model: 'bike-demand',
  dataset: { name: 'bike', version: 'latest' },
  parameters: {
    objective: 'reg:squarederror',
    max_depth: 6,
    eta: 0.02,
    subsample: 0.8,
    colsample_bytree: 1,
    min_child_weight: 5,
    tree_method: 'exact',
    seed: 42,
    nthread: 1,
  },
  rounds: 2_000,
  checkpointEvery: 250,
  features: FEATURES,
  target: 'cnt',
  split: {
    column: 'dteday',
    train: { from: '2011-01-01', until: '2011-09-01' },
    holdout: { from: '2011-09-01', until: '2011-11-01' },
  },
  baseline: { by: ['hr', 'workingday'] },
  clip: { min: 0 },
}
