import type { ChildMessage } from './protocol.js'

type Check = 'string' | 'number' | 'count' | 'object'

/** Fields of each message: a child that has gone wrong must not put nonsense into the records. */
const FIELDS: Readonly<Record<ChildMessage['event'], Readonly<Record<string, Check>>>> = {
  started: { pid: 'count', engine: 'string', rows: 'count', fromRound: 'count' },
  progress: { round: 'count', rounds: 'count', trainRmse: 'number' },
  checkpoint: { round: 'count', file: 'string', bytes: 'count', sha256: 'string' },
  result: { result: 'object' },
  error: { code: 'string', message: 'string', details: 'object' },
}

function matches(value: unknown, check: Check): boolean {
  switch (check) {
    case 'string':
    case 'number':
      return typeof value === check
    case 'count':
      return Number.isSafeInteger(value) && (value as number) >= 0
    case 'object':
      return typeof value === 'object' && value !== null
  }
}

/** Reads one line of a child's event pipe; undefined when it is not one of the messages. */
export function parseMessage(line: string): ChildMessage | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const message = value as Record<string, unknown>
  const { event } = message
  if (typeof event !== 'string' || !Object.hasOwn(FIELDS, event)) return undefined
  const fields = FIELDS[event as ChildMessage['event']]
  const valid = Object.entries(fields).every(([name, check]) => matches(message[name], check))
  return valid ? (value as ChildMessage) : undefined
}
