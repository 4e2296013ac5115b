/** The time that one call may take is over. */
export class DeadlineExceeded extends Error {
  constructor(readonly ms: number) {
    super(`no answer within ${ms / 1000} s`)
  }
}

/**
 * Does work that ends with the signal, or after `ms`: then it fails with the signal's reason, or with
 * DeadlineExceeded. Nothing stays behind on a signal that lives longer than the work.
 */
export async function withDeadline<T>(
  ms: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  const both = new AbortController()
  const abort = (): void => both.abort(signal!.reason)
  signal?.addEventListener('abort', abort, { once: true })
  const timer = setTimeout(() => both.abort(new DeadlineExceeded(ms)), ms)
  const aborted = new Promise<never>((_, reject) => {
    both.signal.addEventListener('abort', () => reject(both.signal.reason as Error), { once: true })
  })
  try {
    // Raced, so that a call that does not look at its signal cannot outlast it.
    return await Promise.race([work(both.signal), aborted])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}
