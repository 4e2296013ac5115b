import { expect } from '@jest/globals'
import { MlforgeError } from '../../../domain/errors.js'

/** Expects an error of ours. */
export async function refused(work: Promise<unknown>, code: string, message: RegExp): Promise<void> {
  const error = await work.then(
    () => new Error('It was done.'),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof MlforgeError)) throw error
  expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)])
}
