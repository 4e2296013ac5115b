import type { LoggerService } from '@nestjs/common'
import type { Log } from './tokens.js'

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
