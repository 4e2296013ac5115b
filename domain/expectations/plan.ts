import { definitionOf } from './catalogue.js'
import type { Expectation } from './expectation.js'
import { type Measure, type Need, needsOf } from './needs.js'

/** More aggregates are split over several scans: the time to plan a statement grows with their square. */
export const MOST_AGGREGATES = 400

export interface PlannedQuery {
  readonly query: Need['query'] | 'samples'
  readonly about: string
  /** Places in the suite of those that it answers something of, ascending. */
  readonly expectations: readonly number[]
  /** What is measured for which expectation, by its place in the suite; one may serve several. */
  readonly measures: readonly { readonly expectation: number; readonly measure: Measure }[]
}

const ABOUT: Record<Need['query'], string> = {
  scan: 'one pass over the columns that are looked at: counts of rows, and aggregates; ranges that hold by the statistics of the file are not looked at again',
  uniqueness: 'one pass that groups by every key and column whose distinct values matter',
  reference: 'one pass that looks values up in the other tables',
  distribution: 'one pass after the scan: rows by bin, order of rows, distance from the mean',
}

/** The statements that a suite takes, in their order: nothing for what the schema says. */
export function planOf(expectations: readonly Expectation[]): PlannedQuery[] {
  const needs = expectations.flatMap((expectation, i) =>
    needsOf(expectation).map(need => ({ expectation: i, ...need })),
  )
  const queries = (Object.keys(ABOUT) as Need['query'][]).flatMap(query => {
    const measures = needs
      .filter(need => need.query === query)
      .map(({ expectation, measure }) => ({ expectation, measure }))
    const places = [...new Set(measures.map(({ expectation }) => expectation))]
    return measures.length === 0 ? [] : [{ query, about: ABOUT[query], expectations: places, measures }]
  })
  const ofRows = expectations.flatMap(({ type }, i) => (definitionOf(type)!.rows ? [i] : []))
  if (ofRows.length === 0) return queries
  const about = 'only when something fails: one statement for the first rows of every expectation that does'
  return [...queries, { query: 'samples', about, expectations: ofRows, measures: [] }]
}

/** The plan for people, a line for each statement. */
export function describePlan(expectations: readonly Expectation[]): string[] {
  return planOf(expectations).map(({ query, about, expectations: served, measures }) => {
    const counts =
      measures.length === 0 ? '' : ` (${measures.length} measures for ${served.length} expectations)`
    return `${query}: ${about}${counts}`
  })
}
