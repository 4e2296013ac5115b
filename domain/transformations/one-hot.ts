import type { OneHotColumns } from './fitted.js'
import type { Category } from './learn.js'
import { COLUMN_LIMIT } from './limits.js'
import { md5 } from './md5.js'
import type { Scalar, StepOf } from './steps.js'

const MAX_NAME = 100
const KEPT = 91

/**
 * The columns for the categories of a column, or why there would be too many.
 * @param categories in the order of their values
 * @param rows those of the fit, nulls included
 * @param nameOf a name for a column like this one, which it then takes
 */
export function oneHotColumns(
  step: StepOf<'one_hot'>,
  column: string,
  categories: readonly Category[],
  rows: number,
  nameOf: (wanted: string) => string,
): OneHotColumns | string {
  const rare = infrequentOf(step, categories, rows)
  const frequent = categories.filter((_, i) => !rare.has(i))
  if (frequent.length > COLUMN_LIMIT) {
    return `"${column}" would become ${frequent.length} columns; ${COLUMN_LIMIT} are the most. Set maxCategories or minFrequency.`
  }
  const others = categories.filter((_, i) => rare.has(i)).map(({ value }) => value)
  return {
    names: frequent.map(({ value }) => ({ name: nameOf(categoryName(column, value)), category: value })),
    infrequent: others.length === 0 ? null : { name: nameOf(`${column}_infrequent`), categories: others },
    missing: step.nulls === 'category' ? nameOf(`${column}_null`) : null,
  }
}

/**
 * Positions of the categories that share a column, as scikit-learn's `_identify_infrequent` has them: of equally
 * frequent ones the first are the rarer.
 */
function infrequentOf(
  { minFrequency, maxCategories }: StepOf<'one_hot'>,
  categories: readonly Category[],
  rows: number,
): Set<number> {
  const least = minFrequency === undefined ? 0 : minFrequency < 1 ? minFrequency * rows : minFrequency
  const rare = new Set(categories.flatMap(({ count }, i) => (count < least ? [i] : [])))
  // One more than there are, for the column that they share, even where nothing is rare yet.
  const columns = categories.length - rare.size + 1
  if (maxCategories === undefined || maxCategories >= columns) return rare
  const byCount = categories.map((_, i) => i).sort((a, b) => categories[a]!.count - categories[b]!.count)
  for (const i of byCount.slice(0, byCount.length - (maxCategories - 1))) rare.add(i)
  return rare
}

/** A name without control characters, and not too long. */
function categoryName(column: string, category: Scalar): string {
  const name = `${column}_${category}`.replaceAll(/\p{Cc}/gu, '_')
  const characters = [...name]
  if (characters.length <= MAX_NAME) return name
  return `${characters.slice(0, KEPT).join('')}~${md5(String(category)).slice(0, 8)}`
}
