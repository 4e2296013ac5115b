const nothing = (): undefined => undefined

/** For parts of Temporal's SDK that print by default. */
export const silentLogger = {
  log: nothing,
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
}
