import type { PredictionRecord } from '../../domain/serving/prediction-record.js'

const FEATURES = 'season yr mnth hr holiday weekday workingday weathersit temp atemp hum windspeed'.split(' ')

export { FEATURES as BIKE_FEATURES }

export interface BikeHour {
  readonly instant: number
  /** Epoch milliseconds. */
  readonly time: number
  readonly features: Readonly<Record<string, number>>
  readonly count: number
}

/** The hours of a table of the bike-sharing data, header first, as somebody who asks for predictions has them. */
export function bikeHours(csv: string): BikeHour[] {
  const [header = '', ...lines] = csv.trimEnd().split('\n')
  const names = header.split(',')
  return lines.map(line => {
    const row = Object.fromEntries(line.split(',').map((value, i) => [names[i]!, value]))
    const [month, day, year] = row['dteday']!.split('/').map(Number) as [number, number, number]
    return {
      instant: Number(row['instant']),
      time: Date.UTC(year, month - 1, day, Number(row['hr'])),
      features: Object.fromEntries(FEATURES.map(feature => [feature, Number(row[feature])])),
      count: Number(row['cnt']),
    }
  })
}

/** The prediction of an hour, as the demo names it. */
export function predictionOf(
  { instant, time, features }: BikeHour,
  change: Partial<PredictionRecord> = {},
): PredictionRecord {
  return {
    sequence: instant,
    deployment: 'bike',
    id: `bike-${instant}`,
    version: 1,
    role: 'stable',
    revision: 1,
    key: String(instant),
    eventTime: time,
    at: Date.UTC(2026, 0, 1) + instant,
    features,
    output: 100,
    ...change,
  }
}
