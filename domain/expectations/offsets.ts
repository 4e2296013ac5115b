import type { Bound } from './expectation.js'

const OFFSET = /^([+-]?)(\d+(?:\.\d+)?)(s|m|h|d|w)$/

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** The seconds of an offset such as `-36h` or `+2d` (s, m, h, d, w), or undefined when it is none. */
export function offsetSeconds(text: string): number | undefined {
  const found = OFFSET.exec(text)
  if (found === null) return undefined
  const seconds = Number(found[2]) * SECONDS[found[3] as keyof typeof SECONDS]
  return found[1] === '-' ? -seconds : seconds
}

/** A bound with its place in time known: ISO 8601 text in UTC, without offset, as timestamps are compared. */
export function resolveBound(bound: Bound, now: string): number | string {
  if (typeof bound !== 'object') return bound
  const moment = Date.parse(now) + (offsetSeconds(bound.now) ?? 0) * 1000
  return new Date(moment).toISOString().replace('Z', '')
}
