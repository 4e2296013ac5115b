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
  /** SHA-256 of the engine's own model file (`model.ubj`): the evaluated bytes. Of the ONNX file where it was given. */
  sha256: string
  aliases: string[]
  signature: unknown
  /** These three are a training's; null for a version that a pipeline has registered of a file. */
  metrics: { model: Metrics; baseline: Metrics; champion?: Metrics } | null
  gate: Gate | null
  parity: {
    rows: number
    maxDifference: number | null
    worstRow: number | null
    tolerance: number
    passed: boolean
  } | null
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
