import type { Json } from '../canonical-json.js'
import { didYouMean } from '../suggest.js'
import type { Path, PipelineProblem } from './problems.js'

export type JsonObject = Readonly<Record<string, Json>>

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Nobody reads more of them at once, and each costs time to find. */
export const MAX_PROBLEMS = 100

/** Reads what somebody wrote: what is wrong is remembered, with its place, and reading goes on. */
export class Reader {
  readonly problems: PipelineProblem[] = []

  wrong(path: Path, message: string): void {
    if (!this.isFull) this.problems.push({ path, message })
  }

  /** True once there are so many problems that it is not looked for more. */
  get isFull(): boolean {
    return this.problems.length >= MAX_PROBLEMS
  }

  /** An object with known fields; nothing for anything else. */
  object(value: unknown, path: Path, known: readonly string[] | null, what = 'This'): JsonObject | null {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.wrong(path, `${what} must hold keys and values.`)
      return null
    }
    if (known !== null) {
      for (const key of Object.keys(value).filter(each => !known.includes(each))) {
        if (this.isFull) break
        const hint = didYouMean(key, known)
        this.wrong([...path, key], `There is no field "${key}" here.${hint} Known: ${known.join(', ')}.`)
      }
    }
    return value as JsonObject
  }

  text(value: Json | undefined, path: Path, most = 1000): string | undefined {
    if (value === undefined) return undefined
    if (typeof value === 'string' && value.length <= most) return value
    this.wrong(path, `Must be text of at most ${most} characters.`)
    return undefined
  }

  integer(value: Json | undefined, path: Path, least: number, most: number): number | undefined {
    if (value === undefined) return undefined
    if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most) return Number(value)
    this.wrong(path, `Must be a whole number of ${least} to ${most}.`)
    return undefined
  }

  choice<T extends string>(value: Json | undefined, path: Path, choices: readonly T[]): T | undefined {
    if (value === undefined || choices.some(choice => choice === value)) return value as T | undefined
    const hint = typeof value === 'string' ? didYouMean(value, choices) : ''
    this.wrong(path, `${JSON.stringify(value)} is not one of ${choices.join(', ')}.${hint}`)
    return undefined
  }

  /** Seconds: a number, or text such as `90s`, `10m`, `2h` or `1d`. */
  duration(
    value: Json | undefined,
    path: Path,
    { least, most }: { readonly least: number; readonly most: number },
  ): number | undefined {
    if (value === undefined) return undefined
    const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)(s|m|h|d)$/.exec(value.trim()) : null
    const seconds = match ? Number(match[1]) * UNITS[match[2]!]! : value
    if (typeof seconds !== 'number' || !Number.isFinite(seconds)) {
      this.wrong(path, 'Must be seconds, or text such as "90s", "10m", "2h" or "1d".')
      return undefined
    }
    if (seconds >= least && seconds <= most) return seconds
    this.wrong(path, `Must be ${least} to ${most} seconds, and is ${seconds}.`)
    return undefined
  }

  /** One text or a list of them. */
  texts(value: Json | undefined, path: Path): readonly string[] {
    if (value === undefined) return []
    if (typeof value === 'string') return [value]
    if (!Array.isArray(value)) {
      this.wrong(path, 'Must be text or a list of texts.')
      return []
    }
    return (value as readonly Json[]).flatMap((item, i) => {
      if (typeof item === 'string') return [item]
      this.wrong([...path, i], 'Must be text.')
      return []
    })
  }
}
