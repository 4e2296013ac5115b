import type { LoggerService } from '@nestjs/common'
import { type DestinationStream, type Logger, pino } from 'pino'
import type { Config } from '../../config/config.js'
import type { Log } from './tokens.js'

/** One JSON object a line; in development one readable line. Keys and bodies are never logged. */
export function createLogger(config: Config['log'], destination?: DestinationStream): Logger {
  const options = {
    name: 'api',
    level: config.level,
    base: { process: 'api' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  const stream = destination ?? (config.pretty ? readable : undefined)
  return stream === undefined ? pino(options) : pino(options, stream)
}

const HIDDEN = new Set(['level', 'time', 'process', 'name', 'msg', 'err'])

const readable: DestinationStream = {
  write(line) {
    const entry = JSON.parse(line) as Record<string, unknown> & { err?: { stack?: string } }
    const details = Object.entries(entry)
      .filter(([key]) => !HIDDEN.has(key))
      .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    const time = String(entry.time).slice(11, 23)
    process.stdout.write(
      `${time} ${String(entry.level).padEnd(5)} ${String(entry.msg ?? '')} ${details.join(' ')}\n`,
    )
    if (entry.err?.stack !== undefined) process.stdout.write(`${entry.err.stack}\n`)
  },
}

/** Nest's own messages: what it says about wiring is detail, its warnings and errors are not. */
export function nestLogger(log: Log): LoggerService {
  const text = (message: unknown) => (message instanceof Error ? message.message : String(message))
  return {
    log: (message: unknown) => log.debug(text(message)),
    warn: (message: unknown) => log.warn(text(message)),
    error: (message: unknown, ...more: unknown[]) => log.error({ more }, text(message)),
    debug: (message: unknown) => log.trace(text(message)),
    verbose: (message: unknown) => log.trace(text(message)),
    fatal: (message: unknown) => log.fatal(text(message)),
  }
}
