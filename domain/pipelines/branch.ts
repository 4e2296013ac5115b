import { canonicalJson, type Json } from '../canonical-json.js'
import type { Problem } from '../errors.js'
import { didYouMean } from '../suggest.js'
import { soleReference } from './references.js'

/** The case of a branch where no condition holds. */
export const OTHERWISE = 'otherwise'

const CASE_NAME = /^[a-z][a-z0-9_-]{0,59}$/
const MAX_CASES = 50

/** Comparisons of the value with what is written beside them; all of a case must hold. */
const CONDITIONS = {
  equals: (value, other) => same(value, other),
  not: (value, other) => !same(value, other),
  oneOf: (value, others) => Array.isArray(others) && others.some(other => same(value, other as Json)),
  above: (value, limit) => isNumber(value) && isNumber(limit) && value > limit,
  atLeast: (value, limit) => isNumber(value) && isNumber(limit) && value >= limit,
  below: (value, limit) => isNumber(value) && isNumber(limit) && value < limit,
  atMost: (value, limit) => isNumber(value) && isNumber(limit) && value <= limit,
} as const satisfies Record<string, (value: Json, other: Json) => boolean>

const NAMES = Object.keys(CONDITIONS) as (keyof typeof CONDITIONS)[]

/**
 * What is wrong with the cases of a branch: a list of `{ case: name, above: 100 }` and the like. What a condition
 * compares with may still be a reference.
 */
export function caseProblems(cases: Json | undefined, at: string): Problem[] {
  if (!Array.isArray(cases) || cases.length === 0 || cases.length > MAX_CASES) {
    return [
      { at, message: `Must be a list of 1 to ${MAX_CASES} cases, such as { case: large, above: 100 }.` },
    ]
  }
  const names = caseNames(cases as readonly Json[])
  const twice = names.filter((name, i) => names.indexOf(name) !== i)
  return [
    ...twice.map(name => ({ at, message: `The case "${name}" is there twice.` })),
    ...(cases as readonly Json[]).flatMap((each, i) => oneProblems(each, `${at}[${i}]`)),
  ]
}

/** Names of the cases of a branch; `otherwise` is one of every branch. */
export function caseNames(cases: Json | undefined): string[] {
  if (!Array.isArray(cases)) return []
  return (cases as readonly Json[]).flatMap(each => {
    const name = isObject(each) ? each['case'] : undefined
    return typeof name === 'string' ? [name] : []
  })
}

/** The first case whose conditions all hold; `otherwise` where there is none. Numbers compare with numbers. */
export function takenCase(value: Json, cases: Json): string {
  const found = (cases as readonly Readonly<Record<string, Json>>[]).find(each =>
    NAMES.every(name => each[name] === undefined || CONDITIONS[name](value, each[name])),
  )
  return found === undefined ? OTHERWISE : String(found['case'])
}

function oneProblems(each: Json, at: string): Problem[] {
  if (!isObject(each)) return [{ at, message: 'Must be an object, such as { case: large, above: 100 }.' }]
  const { case: name, ...conditions } = each
  const problems: Problem[] = []
  if (typeof name !== 'string' || !CASE_NAME.test(name) || name === OTHERWISE) {
    const message = `"case" must name it, in lower-case letters, digits, "_" and "-", and not "${OTHERWISE}".`
    problems.push({ at, message })
  }
  if (Object.keys(conditions).length === 0) {
    problems.push({ at, message: `It needs a condition: ${NAMES.join(', ')}.` })
  }
  for (const [condition, other] of Object.entries(conditions)) {
    const inside = `${at}.${condition}`
    if (!NAMES.some(known => known === condition)) {
      const message = `There is no condition "${condition}".${didYouMean(condition, NAMES)} There are: ${NAMES.join(', ')}.`
      problems.push({ at: inside, message })
    } else if (typeof other === 'string' && soleReference(other) !== null) {
      continue
    } else if (condition === 'oneOf' ? !Array.isArray(other) : isLimit(condition) && !isNumber(other)) {
      problems.push({ at: inside, message: `Must be a ${condition === 'oneOf' ? 'list' : 'number'}.` })
    }
  }
  return problems
}

/** True for a condition that compares with a number. */
export const isLimit = (condition: string): boolean => !['equals', 'not', 'oneOf'].includes(condition)
const isNumber = (value: unknown): value is number => typeof value === 'number'

function same(a: Json, b: Json): boolean {
  return canonicalJson(a) === canonicalJson(b)
}

function isObject(value: Json): value is Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
