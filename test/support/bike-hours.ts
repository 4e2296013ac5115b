import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const FILE = fileURLToPath(new URL('../../../examples/bike-sharing/bike-sharing-hour.csv', import.meta.url))

/** An hour of the bike-sharing data as a client sends it. */
export interface BikeHour {
  readonly id: string
  readonly key: string
  /** Epoch milliseconds. */
  readonly eventTime: number
  readonly values: Readonly<Record<string, number>>
  /** Bikes rented in it: the label. */
  readonly cnt: number
}

/** All hours, with every numeric column by its name. */
export function bikeHours(): BikeHour[] {
  const [header = '', ...lines] = readFileSync(FILE, 'utf8').trimEnd().split(/\r?\n/)
  const names = header.split(',')
  return lines.map(line => {
    const fields = line.split(',')
    const values = Object.fromEntries(
      names.flatMap((name, at) => (name === 'dteday' ? [] : [[name, Number(fields[at])]])),
    )
    const [month, day, year] = fields[1]!.split('/').map(Number) as [number, number, number]
    const { instant, hr, cnt } = values as { instant: number; hr: number; cnt: number }
    const eventTime = Date.UTC(year, month - 1, day, hr)
    return { id: `bike-${instant}`, key: String(instant), eventTime, values, cnt }
  })
}

/** Hours of whole months, `2011-11` to `2012-04`, both included. */
export function monthsOf(hours: readonly BikeHour[], first: string, last = first): BikeHour[] {
  const month = (time: number) => new Date(time).toISOString().slice(0, 7)
  return hours.filter(({ eventTime }) => month(eventTime) >= first && month(eventTime) <= last)
}
