/** Body of `POST /v1/deployments/{name}/predict` of the serving process. */
export interface PredictRequest {
  /** 1 to 1,000 rows. */
  rows: PredictRow[]
}

export interface PredictRow {
  /** Names the prediction: the same id again gives the first answer. A UUIDv7 where it is missing. */
  id?: string
  /** ISO 8601 date and time with an offset; the arrival where it is missing. */
  eventTime?: string
  /** What the split is decided on; the id where it is missing. */
  key?: string
  /** Of the signature; those of its transformation's input where it has one. */
  features: Record<string, number | boolean | string | null>
}

export interface PredictResponse {
  deployment: string
  /** Revision of the plan that answered. */
  revision: number
  predictions: Prediction[]
}

export interface Prediction {
  id: string
  version: number
  value: number
}

/** Answer of `GET /live` of the serving process. */
export interface ServingLive {
  live: boolean
}

/** Answer of `GET /ready` of the serving process; its status is 503 while `ready` is false. */
export interface ServingReady {
  ready: boolean
  deployments: ServedDeployment[]
}

export interface ServedDeployment {
  deployment: string
  /** Revision of the plan that answers, 0 for none. */
  revision: number
  /** Why a newer plan does not answer. */
  problem: string | null
}
