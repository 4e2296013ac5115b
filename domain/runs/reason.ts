/** What an error says, with what its causes say: client libraries put the useful part there. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : reasonOf(error.cause)
  if (cause === '' || error.message.includes(cause)) return error.message
  return error.message === '' ? cause : `${error.message}: ${cause}`
}
