import { randomUUID } from 'node:crypto'
import type { DatasetCommit, DatasetVersion } from '../../contracts/rest/datasets.js'
import type { Fit } from '../../contracts/rest/fits.js'
import type { TransformationStep } from '../../contracts/rest/transformations.js'
import { MlforgeError } from '../../domain/errors.js'
import { datasetPath } from '../data/paths.js'
import type { Rest } from '../rest.js'
import { ended } from './ended.js'

export interface FitOptions {
  /** Predicate in SQL for the rows that are learned from; all of them where left out. */
  readonly where?: string
  /** 2 to 100: learns also without each of so many parts of the rows, for `outOfFold` of `transform`. */
  readonly folds?: number
  /** Of the folds, 0 to 2^32 - 1. Default 0. */
  readonly seed?: number
  /** The same key is the same fit, for 7 days. */
  readonly idempotencyKey?: string
}

/** A version of a transformation. */
export interface FittedVersion {
  readonly name: string
  readonly version: number
  /** `name@version`, as `transform` takes it. */
  readonly reference: string
  /** False where the newest version had learned the same from the same. */
  readonly created: boolean
}

export interface TransformOptions {
  /** Name of the dataset whose next version it becomes. */
  readonly into: string
  /**
   * True for the version that the transformation was fitted to by folds: no row knows its own target, as it does in a
   * target encoding that has learned from it. Default false: what all rows have taught, for any other one.
   */
  readonly outOfFold?: boolean
  readonly message?: string
  readonly branch?: string
  /** The same key is the same commit, for 7 days. */
  readonly idempotencyKey?: string
}

/** Fits steps to the rows of a version. @throws Refused; MlforgeError of a fit that failed or was refused */
export async function fit(
  rest: Rest,
  { dataset, version }: DatasetVersion,
  name: string,
  steps: readonly TransformationStep[],
  { idempotencyKey = randomUUID(), ...options }: FitOptions,
): Promise<FittedVersion> {
  const begun = await rest.post<Fit>(
    `/v1/transformations/${encodeURIComponent(name)}/fits`,
    { ...options, dataset, version: String(version), steps },
    { idempotencyKey },
  )
  const done = ended(await rest.follow<Fit>(begun.links.self), 'Fit')
  return {
    name,
    version: done.version,
    reference: `${name}@${done.version}`,
    created: done.created ?? true,
  }
}

/**
 * Makes a version of a dataset of what a transformation makes of another one.
 * @param reference `name@version`, or `name` for its newest
 * @returns its number
 * @throws Refused; MlforgeError of a commit that failed or was refused
 */
export async function transform(
  rest: Rest,
  { dataset, version }: DatasetVersion,
  reference: string,
  { into, outOfFold, idempotencyKey = randomUUID(), ...options }: TransformOptions,
): Promise<number> {
  const [, transformation, number] = /^([^@]+)(?:@([1-9]\d{0,8}))?$/.exec(reference) ?? []
  if (transformation === undefined) {
    throw new MlforgeError('invalid_request', `"${reference}" names no transformation: give name or name@2.`)
  }
  const begun = await rest.post<DatasetCommit>(
    `${datasetPath(into)}/versions`,
    {
      ...options,
      transformed: {
        dataset,
        version: String(version),
        transformation,
        ...(number !== undefined && { transformationVersion: Number(number) }),
        ...(outOfFold !== undefined && { outOfFold }),
      },
    },
    { idempotencyKey },
  )
  return ended(await rest.follow<DatasetCommit>(begun.links.self), 'Commit').version
}
