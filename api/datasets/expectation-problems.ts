import type { Expectation } from '../../contracts/rest/datasets.js'
import type { Problem } from '../../domain/errors.js'

const BOUNDS = ['min', 'max', 'exclusiveMin', 'exclusiveMax'] as const

type Given = Partial<Record<keyof Expectation, unknown>>

/** Fields that each kind needs and takes. */
const KINDS: Record<
  Expectation['kind'],
  { needs: readonly string[]; oneOf: readonly string[]; takes: readonly string[] }
> = {
  row_count: { needs: [], oneOf: ['min', 'max'], takes: [] },
  not_null: { needs: ['column'], oneOf: [], takes: ['maxFraction'] },
  range: { needs: ['column'], oneOf: BOUNDS, takes: [] },
  in_set: { needs: ['column', 'values'], oneOf: [], takes: [] },
  unique: { needs: [], oneOf: ['column', 'columns'], takes: [] },
}

/** What an expectation of its kind lacks, or has and does not take. */
export function expectationProblems(expectation: Given): Problem[] {
  const kind = expectation.kind as Expectation['kind']
  if (!Object.hasOwn(KINDS, kind)) return []
  const { needs, oneOf, takes } = KINDS[kind]
  const given = Object.keys(expectation).filter(key => expectation[key as keyof Expectation] !== undefined)
  const problems: Problem[] = []
  for (const name of needs) {
    if (!given.includes(name)) problems.push({ at: '', message: `An expectation ${kind} needs "${name}".` })
  }
  if (oneOf.length > 0 && !oneOf.some(name => given.includes(name))) {
    problems.push({ at: '', message: `An expectation ${kind} needs one of: ${oneOf.join(', ')}.` })
  }
  const known = ['kind', 'severity', ...needs, ...oneOf, ...takes]
  for (const name of given.filter(each => !known.includes(each))) {
    problems.push({ at: '', message: `An expectation ${kind} has no "${name}".` })
  }
  if (typeof expectation.maxFraction === 'number' && expectation.maxFraction > 1) {
    problems.push({ at: '', message: 'maxFraction is a part of the rows, 0 to 1.' })
  }
  return problems
}
