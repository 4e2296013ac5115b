import type { LabelsAccepted } from '../../contracts/rest/deployments.js'
import type { PredictResponse } from '../../contracts/rest/predict.js'
import { FEATURES } from '../../examples/bike-sharing/bike.js'
import type { Rest } from '../../sdk/rest.js'
import type { BikeHour } from '../support/bike-hours.js'

const BATCH = 500

/** What a client was told about an hour. */
export interface Answer {
  readonly id: string
  readonly version: number
  readonly value: number
}

/** Asks for hours in their order. @param suffix makes other predictions of the same hours */
export async function ask(
  serving: Rest,
  deployment: string,
  hours: readonly BikeHour[],
  suffix = '',
): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let at = 0; at < hours.length; at += BATCH) {
    const rows = hours.slice(at, at + BATCH).map(({ id, key, eventTime, values }) => ({
      id: `${id}${suffix}`,
      key,
      eventTime: new Date(eventTime).toISOString(),
      features: Object.fromEntries(FEATURES.map(name => [name, values[name]])),
    }))
    const path = `/v1/deployments/${deployment}/predict`
    const { predictions } = await serving.post<PredictResponse>(path, { rows })
    answers.push(...predictions.map(({ id, version, value }) => ({ id, version, value })))
  }
  return answers
}

export async function label(api: Rest, deployment: string, hours: readonly BikeHour[]): Promise<void> {
  await api.post<LabelsAccepted>(`/v1/deployments/${deployment}/labels`, {
    labels: hours.map(({ id, eventTime, cnt }) => ({
      predictionId: id,
      value: cnt,
      at: new Date(eventTime).toISOString(),
    })),
  })
}
