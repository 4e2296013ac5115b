import { ApplicationFailure, CancelledFailure } from '@temporalio/activity'
import { ApplicationFailureCategory } from '@temporalio/common'
import { MockActivityEnvironment } from '@temporalio/testing'
import { describe, expect, it } from '@jest/globals'
import { pino } from 'pino'
import { MlforgeError } from '../../domain/errors.js'
import { silentLogger } from '../support/silent-logger.js'
import { activityInterceptors, MAX_PAYLOAD_BYTES } from '../../worker/interceptors.js'

/** Runs an activity behind the interceptor, as the given attempt. */
async function run(
  activity: (...args: never[]) => Promise<unknown>,
  { attempt = 1, activityType = 'evaluate', args = [] as unknown[], cancel = false } = {},
): Promise<unknown> {
  const environment = new MockActivityEnvironment(
    { attempt, activityType },
    {
      interceptors: [activityInterceptors({ logger: pino({ level: 'silent' }), activityAttempts: 3 })],
      logger: silentLogger,
    },
  )
  const result = environment.run(activity as never, ...(args as never[]))
  if (cancel) environment.cancel()
  return result
}
const failing = (error: unknown) => () => Promise.reject(error)
const failure = async (...given: Parameters<typeof run>): Promise<unknown> =>
  run(...given).catch((error: unknown) => error)

describe('activity interceptor', () => {
  it('gives an error of ours its code, and retries it by the table until the attempts are used up', async () => {
    const missing = new MlforgeError('object_missing', 'gone', { uri: 'u' })
    expect(await failure(failing(missing))).toMatchObject({
      type: 'object_missing',
      message: 'gone',
      nonRetryable: false,
      details: [{ uri: 'u' }],
    })
    expect(await failure(failing(missing), { attempt: 3 })).toMatchObject({ nonRetryable: true })
    const refused = await failure(failing(new MlforgeError('gate_refused', 'no')))
    expect(refused).toMatchObject({ nonRetryable: true, category: ApplicationFailureCategory.BENIGN })
  })

  it('never gives up writing a row, nor leaving the field to another holder', async () => {
    const away = new Error('connect ECONNREFUSED 127.0.0.1:5432')
    expect(await failure(failing(away), { attempt: 99, activityType: 'recordRun' })).toMatchObject({
      type: 'unavailable',
      nonRetryable: false,
    })
    expect(await failure(failing(away), { attempt: 99 })).toMatchObject({ nonRetryable: true })
    const lost = new MlforgeError('lease_lost', 'taken over')
    expect(await failure(failing(lost), { attempt: 99 })).toMatchObject({ nonRetryable: false })
  })

  it('makes a cancellation of whatever stopped work throws', async () => {
    const stopped = () =>
      new Promise((_, reject) =>
        setImmediate(() => reject(new MlforgeError('cancelled', 'stopped on request'))),
      )
    expect(await failure(stopped, { cancel: true })).toBeInstanceOf(CancelledFailure)
    expect(await failure(stopped)).toBeInstanceOf(ApplicationFailure)
  })

  it('refuses inputs and results that do not belong into a history', async () => {
    const large = 'x'.repeat(MAX_PAYLOAD_BYTES)
    const echo = (value: unknown) => Promise.resolve(value)
    expect(await failure(echo as never, { args: [large] })).toMatchObject({ type: 'payload_too_large' })
    expect(await failure(() => Promise.resolve(large))).toMatchObject({
      type: 'payload_too_large',
      nonRetryable: true,
    })
    expect(await run(echo as never, { args: ['small'] })).toBe('small')
  })

  it('keeps failures small too', async () => {
    const problems = Array.from({ length: 50 }, (_, i) => ({ at: `row ${i}`, message: large(i) }))
    const kept = (await failure(
      failing(new MlforgeError('value_not_of_type', large(0), { problems })),
    )) as ApplicationFailure
    expect(Buffer.byteLength(JSON.stringify([kept.message, kept.details]))).toBeLessThan(MAX_PAYLOAD_BYTES)
    expect(kept.details![0]).toMatchObject({ shortened: true, problems: expect.any(Array) })
  })
})

function large(i: number): string {
  return `${i} `.repeat(50_000)
}
