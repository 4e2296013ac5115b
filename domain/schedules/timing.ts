import { MlforgeError, type Problem } from '../errors.js'
import { nearestName } from '../suggest.js'
import { cronProblems } from './cron.js'

export type Overlap = 'skip' | 'buffer_one' | 'allow_all' | 'cancel_other'

/** When a schedule runs, complete. Exactly one of cron and everySeconds is there. */
export interface Timing {
  readonly cron?: string
  readonly everySeconds?: number
  readonly timeZone: string
  readonly overlap: Overlap
  readonly catchUpSeconds: number
  readonly jitterSeconds: number
  readonly pauseOnFailure: boolean
}

/**
 * The timing with its defaults filled in: UTC, a tick is skipped while the last run still goes, and
 * runs up to an hour late.
 * @throws MlforgeError cron_invalid, time_zone_invalid, invalid_request, with all problems
 */
export function resolveTiming(timing: Partial<Timing>, at = 'timing'): Timing {
  const { cron, everySeconds, timeZone = 'UTC' } = timing
  const crons = cron === undefined ? [] : cronProblems(cron, `${at}.cron`)
  const zones = timeZoneProblems(timeZone, `${at}.timeZone`)
  const both: Problem[] =
    (cron === undefined) === (everySeconds === undefined)
      ? [{ at, message: 'needs exactly one of cron and everySeconds.' }]
      : []
  const problems = [...both, ...crons, ...zones]
  if (problems.length > 0) {
    const code = both.length > 0 ? 'invalid_request' : crons.length > 0 ? 'cron_invalid' : 'time_zone_invalid'
    throw new MlforgeError(code, problems.map(each => `${each.at}: ${each.message}`).join(' '), { problems })
  }
  return {
    ...(cron === undefined ? {} : { cron: cron.trim().replace(/\s+/g, ' ') }),
    ...(everySeconds === undefined ? {} : { everySeconds }),
    timeZone,
    overlap: timing.overlap ?? 'skip',
    catchUpSeconds: timing.catchUpSeconds ?? 3600,
    jitterSeconds: timing.jitterSeconds ?? 0,
    pauseOnFailure: timing.pauseOnFailure ?? false,
  }
}

/** Names of the IANA database only, in its own letters: offsets do not follow summer time. */
export function timeZoneProblems(name: string, at: string): Problem[] {
  const known = ['UTC', ...Intl.supportedValuesOf('timeZone')]
  if (known.includes(name)) return []
  const resolved = resolvedName(name)
  const otherLetters = known.find(each => each.toLowerCase() === name.toLowerCase())
  // An older name of a zone, such as Asia/Calcutta or Etc/UTC, is as good.
  if (resolved !== undefined && otherLetters === undefined && /^[A-Z][A-Za-z]+\//.test(name)) return []
  const meant = otherLetters ?? nearestName(name, known)
  const hint = meant === undefined ? 'Use an IANA name such as Europe/Berlin.' : `Did you mean "${meant}"?`
  return [{ at, message: `"${name}" is not a time zone. ${hint}` }]
}

function resolvedName(name: string): string | undefined {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone
  } catch {
    return undefined
  }
}
