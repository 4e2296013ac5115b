import { AGGREGATES } from './catalogue-aggregates.js'
import { ROWS } from './catalogue-rows.js'
import { TABLES } from './catalogue-tables.js'
import type { Definition } from './definition.js'

/** Every type of expectation, by its name. */
export const CATALOGUE = { ...TABLES, ...ROWS, ...AGGREGATES } as const satisfies Record<string, Definition>

export type ExpectationType = keyof typeof CATALOGUE

export const EXPECTATION_TYPES = Object.keys(CATALOGUE) as readonly ExpectationType[]

/** The definition of a type that `checkSuite` has accepted, or undefined. */
export function definitionOf(type: string): Definition | undefined {
  return Object.hasOwn(CATALOGUE, type) ? CATALOGUE[type as ExpectationType] : undefined
}
