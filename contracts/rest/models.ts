import type { Artifact } from './common.js'
import type { Gate, Metrics } from './trainings.js'

export interface Model {
  name: string
  latestVersion: number
  aliases: Record<string, number>
  createdAt: string
}

export interface ModelVersion {
  model: string
  version: number
  engine: string
  /** SHA-256 of the engine's own model file (`model.ubj`): the evaluated bytes. */
  sha256: string
  aliases: string[]
  signature: unknown
  metrics: { model: Metrics; baseline: Metrics; champion?: Metrics }
  gate: Gate
  parity: {
    rows: number
    maxDifference: number | null
    worstRow: number | null
    tolerance: number
    passed: boolean
  }
  lineage: unknown
  runId: string
  createdAt: string
  artifacts: Artifact[]
}

export interface SetAlias {
  version: number
  /** Why, kept in the alias's history. */
  reason: string
}

export interface Alias {
  alias: string
  version: number
  updatedAt: string
}

export interface AliasChange {
  alias: string
  fromVersion: number | null
  toVersion: number | null
  principal: string
  reason: string
  at: string
}
