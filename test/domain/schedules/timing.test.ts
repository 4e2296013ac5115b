import { describe, expect, it } from '@jest/globals'
import type { MlforgeError } from '../../../domain/errors.js'
import { cronProblems } from '../../../domain/schedules/cron.js'
import { resolveTiming } from '../../../domain/schedules/timing.js'

describe('cronProblems', () => {
  it.each([
    '* * * * *',
    '0 3 * * mon',
    '*/15 9-17 * * MON-FRI',
    '0 0 1,15 jan-jun/2 *',
    '5,10-20/5 0 29 feb *',
    '0 0 * * 7',
    '0 0 31 1,2 *',
    ' 0  3 * * * ',
  ])('takes "%s"', expression => {
    expect(cronProblems(expression, 'cron')).toEqual([])
  })

  it.each([
    ['', /has 0 fields/],
    ['* * * *', /has 4 fields/],
    ['0 0 3 * * *', /has 6 fields.*minute, hour, day of month, month, day of week/],
    ['@daily', /has 1 fields/],
    ['60 * * * *', /minute "60": "60" is not from 0 to 59/],
    ['* 24 * * *', /hour "24"/],
    ['* * 0 * *', /day of month "0"/],
    ['* * * 13 *', /month "13".*or jan to dec/],
    ['* * * * 8', /day of week "8"/],
    ['* * * foo *', /"foo" is not from 1 to 12/],
    ['*/0 * * * *', /a step is a number from 1 to 59, not "0"/],
    ['*/x * * * *', /not "x"/],
    ['5/10 * * * *', /a step needs a range or \*: write 5-59\/10/],
    ['20-10 * * * *', /ends before it begins/],
    ['1-2-3 * * * *', /not a range/],
    ['1,,2 * * * *', /is not a value/],
    ['-1 * * * *', /""|is not from/],
    ['* * ? * *', /day of month "\?"/],
    ['* * L * *', /day of month "L"/],
    ['0 0 13 * 5', /both restricted/],
    ['0 0 31 2 *', /never comes/],
    ['0 0 30,31 feb *', /never comes/],
    ['0 0 31 4,6,9,11 *', /never comes/],
  ])('refuses "%s"', (expression, message) => {
    const problems = cronProblems(expression, 'timing.cron')
    expect(problems.length).toBeGreaterThan(0)
    expect(problems[0]).toMatchObject({ at: 'timing.cron', message: expect.stringMatching(message) })
  })

  it('says what is wrong with every field', () => {
    expect(cronProblems('99 99 99 99 99', 'cron')).toHaveLength(5)
  })
})

describe('resolveTiming', () => {
  const codeOf = (work: () => unknown) => {
    try {
      work()
    } catch (error) {
      return (error as MlforgeError).code
    }
    return undefined
  }

  it('fills defaults in', () => {
    expect(resolveTiming({ cron: ' 0  3 * * * ' })).toEqual({
      cron: '0 3 * * *',
      timeZone: 'UTC',
      overlap: 'skip',
      catchUpSeconds: 3600,
      jitterSeconds: 0,
      pauseOnFailure: false,
    })
  })

  it.each(['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires', 'Asia/Kolkata', 'Asia/Calcutta'])(
    'knows %s',
    timeZone => {
      expect(resolveTiming({ everySeconds: 60, timeZone }).timeZone).toBe(timeZone)
    },
  )

  it.each(['europe/berlin', 'Europe/Berln', '+01:00', 'CEST5', 'Mars/Olympus', ''])(
    'refuses "%s"',
    timeZone => {
      expect(codeOf(() => resolveTiming({ everySeconds: 60, timeZone }))).toBe('time_zone_invalid')
    },
  )

  it('names the zone that was meant, in its own letters', () => {
    expect(() => resolveTiming({ everySeconds: 60, timeZone: 'europe/berlin' })).toThrow(/"Europe\/Berlin"/)
    expect(() => resolveTiming({ everySeconds: 60, timeZone: 'Europe/Berln' })).toThrow(/"Europe\/Berlin"/)
  })

  it('needs exactly one way to say when', () => {
    expect(codeOf(() => resolveTiming({}))).toBe('invalid_request')
    expect(codeOf(() => resolveTiming({ cron: '* * * * *', everySeconds: 5 }))).toBe('invalid_request')
  })
})
