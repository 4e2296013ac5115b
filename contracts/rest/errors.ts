import type { Metrics } from './trainings.js'

/** Errors of versions on the labelled rows of a deployment, by calendar month of event time. */
export interface DeploymentErrors {
  deployment: string
  months: MonthErrors[]
}

export interface MonthErrors extends Metrics {
  version: number
  /** `2012-01`, in UTC. */
  month: string
  rows: number
}
