import { pino, type Logger } from 'pino'
import type { Config } from './config.js'

/** One JSON object a line; `pretty` prints lines for people instead. Keys and bodies are never logged. */
export function createLogger(config: Pick<Config, 'log'>, name: string): Logger {
  const { level, pretty } = config.log
  const options = { name, level, base: { name }, timestamp: pino.stdTimeFunctions.isoTime }
  return pretty ? pino(options, { write: line => void process.stdout.write(forPeople(line)) }) : pino(options)
}

const LEVELS: Record<number, string> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}

function forPeople(line: string): string {
  const { time, level, name, msg, ...rest } = JSON.parse(line) as Record<string, unknown>
  const extra = Object.keys(rest).length === 0 ? '' : ` ${JSON.stringify(rest)}`
  return `${String(time)} ${LEVELS[level as number] ?? level} ${String(name)}: ${String(msg ?? '')}${extra}\n`
}
