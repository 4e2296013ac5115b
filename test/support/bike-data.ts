import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { TrainingRequest } from '../../domain/training/build-spec.js'

const FILE = fileURLToPath(new URL('../../../examples/bike-sharing/bike-sharing-hour.csv', import.meta.url))

/** Header and rows of the first months of 2011 of the bike-sharing file. */
export function bikeCsv(months: number): string {
  const [header, ...rows] = readFileSync(FILE, 'utf8').trimEnd().split('\n')
  const wanted = rows.filter(row => {
    const [month, , year] = row.split(',')[1]!.split('/')
    return year === '2011' && Number(month) <= months
  })
  return `${[header, ...wanted].join('\n')}\n`
}

/** A small training on the first four months: February and March decide about April. */
export function bikeTraining(more: Partial<TrainingRequest> = {}): TrainingRequest {
  return {
    model: 'bike',
    dataset: { name: 'bike' },
    parameters: {
      max_depth: 4,
      eta: 0.2,
      subsample: 0.8,
      min_child_weight: 5,
      tree_method: 'exact',
      seed: 42,
    },
    rounds: 40,
    checkpointEvery: 10,
    features: ['mnth', 'hr', 'workingday', 'weathersit', 'temp', 'atemp', 'hum', 'windspeed'],
    target: 'cnt',
    split: {
      column: 'dteday',
      train: { until: '2011-04-01' },
      holdout: { from: '2011-04-01', until: '2011-05-01' },
    },
    baseline: { by: ['hr', 'workingday'] },
    clip: { min: 0 },
    ...more,
  }
}
