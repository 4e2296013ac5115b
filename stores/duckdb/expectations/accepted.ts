import { type Accepted, isOld } from '../../../domain/expectations/accepted.js'
import { asTyped, extraNeeds, oldResult } from '../../../domain/expectations/old-kinds.js'
import { type Result, resultOf } from '../../../domain/expectations/results.js'
import { evaluateSuite, type EvaluateOptions } from './evaluate.js'

/** Expectations of both forms over a Parquet file, by the one engine. */
export async function evaluateExpectations(
  parquetFile: string,
  expectations: readonly Accepted[],
  options: Omit<EvaluateOptions, 'extra'>,
): Promise<Result[]> {
  if (expectations.length === 0) return []
  const typed = expectations.map(asTyped)
  const extra = (place: number) => {
    const expectation = expectations[place]!
    return isOld(expectation) ? extraNeeds(expectation) : []
  }
  const { outcomes, measured } = await evaluateSuite(parquetFile, typed, { ...options, extra })
  return expectations.map((expectation, i) =>
    isOld(expectation) ? oldResult(expectation, outcomes[i]!, measured[i]!) : resultOf(outcomes[i]!),
  )
}
