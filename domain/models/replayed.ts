import type { ColumnType } from '../datasets/schema.js'
import type { Problem } from '../errors.js'
import { didYouMean } from '../suggest.js'
import { canApplyRows } from '../transformations/apply-row.js'
import { kindOfType } from '../transformations/columns.js'
import type { FittedTransformation } from '../transformations/fitted.js'
import { transformationMismatch } from '../transformations/problems.js'
import { type Replay, replayOf } from '../transformations/replay.js'
import type { ModelSignature, SignatureFeature, SignatureTransformation } from './signature.js'

/** A version of a transformation. */
export interface TransformationRef {
  readonly name: string
  readonly version: number
}

interface Behind {
  readonly transformation?: TransformationRef | undefined
}

/** Whether what is kept of the rows of two models are features made by the same figures, or by none. */
export function isBehindSame(one: Behind, other: Behind): boolean {
  return behind(one) === behind(other)
}

/** What a model is behind, for people. */
export function behind({ transformation }: Behind): string {
  return transformation ? `${transformation.name}@${transformation.version}` : 'no transformation'
}

/**
 * Everything that keeps a transformation from making the features of a model row by row, as far as it is known
 * without what it has learned.
 */
export function replayProblems(
  { name, version }: TransformationRef,
  { steps, output }: Pick<FittedTransformation, 'steps' | 'output'>,
  features: readonly SignatureFeature[],
): Problem[] {
  const { prevented } = canApplyRows({ steps })
  const made = new Map(output.map(column => [column.name, kindOfType(column.type)]))
  return [
    ...prevented.map(({ at, message }) => ({ at: `transformation.${at}`, message })),
    ...features.flatMap((feature, i): Problem[] => {
      const at = `features[${i}]`
      const kind = made.get(feature.name)
      if (kind === undefined) {
        const near = didYouMean(feature.name, [...made.keys()])
        return [{ at, message: `${name}@${version} makes no column "${feature.name}".${near}` }]
      }
      if (kind === feature.type || (kind === 'integer' && feature.type === 'number')) return []
      const message = `"${feature.name}" is ${feature.type} in the dataset, and ${kind} as ${name}@${version} makes it.`
      return [{ at, message }]
    }),
  ]
}

/**
 * The part of a transformation that makes the features of a model.
 * @throws MlforgeError transformation_mismatch with everything that keeps it from doing so row by row
 */
export function replayFor(
  { name, version }: TransformationRef,
  fitted: FittedTransformation,
  { features, target }: Pick<ModelSignature, 'features' | 'target'>,
): { readonly replay: Replay; readonly transformation: SignatureTransformation } {
  const problems = replayProblems({ name, version }, fitted, features)
  if (problems.length > 0) throw transformationMismatch(problems)
  const replay = replayOf(
    fitted,
    features.map(feature => feature.name),
  )
  const input = replay.input.map(column => ({ name: column.name, type: kindOfType(column.type) }))
  const wrong = input.flatMap((column): Problem[] => {
    const at = 'transformation'
    if (column.name === target) return [{ at, message: `It makes features of the target "${target}".` }]
    if (column.type !== 'other') return []
    return [{ at, message: `It reads "${column.name}", which is of a type that rows cannot have.` }]
  })
  if (wrong.length > 0) throw transformationMismatch(wrong)
  return {
    replay,
    transformation: { name, version, input: input as { name: string; type: ColumnType }[] },
  }
}
