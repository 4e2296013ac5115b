import type { PredictionRecord } from '../../../domain/serving/prediction-record.js'
import { encodeRecord } from '../../../stores/segments/segment-codec.js'

export const HOUR = 3_600_000
/** Event time of records numbered 0. */
export const START = Date.UTC(2012, 0, 1)

/** A row of the bike deployment, an hour after the one numbered before it. */
export function predictionRecord(sequence: number, change: Partial<PredictionRecord> = {}): PredictionRecord {
  return {
    sequence,
    deployment: 'bike',
    id: `bike-${sequence}`,
    version: 1,
    role: 'stable',
    revision: 1,
    key: String(sequence),
    eventTime: START + sequence * HOUR,
    at: Date.UTC(2026, 0, 1) + sequence,
    features: { temp: sequence / 100, holiday: sequence % 2 === 0 },
    output: sequence * 2,
    ...change,
  }
}

export function segmentOf(records: readonly PredictionRecord[]): Buffer {
  return Buffer.concat(records.map(encodeRecord))
}
