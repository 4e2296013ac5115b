import type { Suite } from '../expectations/expectation.js'
import type { Column } from '../transformations/columns.js'
import type { Folds } from '../transformations/fitted.js'
import type { Step } from '../transformations/steps.js'
import type { NamedObject } from './commit.js'
import { decodeRecord, encodeRecord } from './record.js'

/** A version of what is expected of the tables of a dataset. */
export interface SuiteDefinition {
  readonly t: 'suite'
  readonly dataset: string
  /** Of all versions of it. */
  readonly suiteId: string
  readonly version: number
  readonly suite: Suite
  readonly author: string | null
  readonly message: string | null
  readonly principal: string
  /** ISO 8601, UTC. */
  readonly at: string
}

/** Which version of a suite is the current one after a change: the change with the highest sequence holds. */
export interface CurrentSuite {
  readonly t: 'current-suite'
  readonly dataset: string
  readonly suiteId: string
  /** Counts the changes, from 1. */
  readonly sequence: number
  readonly version: number
  readonly principal: string
  readonly at: string
}

/** A fitted version of a transformation. What it has learned is in its states alone, which are objects of their own. */
export interface TransformationDefinition {
  readonly t: 'transformation'
  readonly name: string
  /** Of all versions of it. */
  readonly transformationId: string
  readonly id: string
  readonly version: number
  readonly state: NamedObject
  readonly steps: readonly Step[]
  readonly input: readonly Column[]
  readonly output: readonly Column[]
  /** Rows that it was fitted on. */
  readonly rows: number
  /** Predicate that has picked them; null where all of the table were. */
  readonly where: string | null
  /** What was learned of each fold, by fold, of the table with this hash; null where nothing was learned of parts. */
  readonly folds: (Folds & { readonly table: string; readonly states: readonly NamedObject[] }) | null
  /** What it was fitted on; null where a pipeline has made the table. */
  readonly dataset: { readonly name: string; readonly version: number; readonly root: string } | null
  readonly runId: string
  readonly effectKey: string
  readonly at: string
}

/** What is expected of datasets and was learned from them: what the catalogue is restored from, beside commits. */
export type Definition = SuiteDefinition | CurrentSuite | TransformationDefinition
export type DefinitionKind = Definition['t']

/** A definition as it is hashed and stored. */
export function encodeDefinition(definition: Definition): Uint8Array {
  return encodeRecord(definition)
}

/**
 * Reads a definition.
 * @throws MlforgeError object_corrupt, unsupported_format
 */
export function decodeDefinition(bytes: Uint8Array): Definition {
  return decodeRecord(bytes, 'suite', 'current-suite', 'transformation') as Definition
}

/** What a version of a transformation has learned, as objects of their own: of all rows, and without each fold. */
export function statesOf({ state, folds }: TransformationDefinition): NamedObject[] {
  return [state, ...(folds?.states ?? [])]
}

/** What a definition is about, for people. */
export function definitionName(definition: Definition): string {
  switch (definition.t) {
    case 'suite':
      return `version ${definition.version} of the suite of dataset "${definition.dataset}"`
    case 'current-suite':
      return `the current suite of dataset "${definition.dataset}"`
    case 'transformation':
      return `version ${definition.version} of transformation "${definition.name}"`
  }
}
