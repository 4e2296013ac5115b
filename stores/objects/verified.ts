import { createHash } from 'node:crypto'
import { MlforgeError } from '../../domain/errors.js'

/**
 * Passes chunks on; once all have come, compares their hash with the one in the uri.
 * @throws MlforgeError object_corrupt after the last chunk, so a reader must not use bytes before the end.
 */
export async function* verified(
  chunks: AsyncIterable<Uint8Array>,
  uri: string,
  sha256: string,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  for await (const chunk of chunks) {
    hash.update(chunk)
    yield chunk
  }
  const found = hash.digest('hex')
  if (found !== sha256) throw objectCorrupt(uri, `its content hashes to ${found}`)
}

export function objectCorrupt(uri: string, why: string): MlforgeError {
  return new MlforgeError(
    'object_corrupt',
    `Object ${uri} is corrupt: ${why}. Restore it from a backup, or write the same content again.`,
    { uri },
  )
}

export function objectMissing(uri: string): MlforgeError {
  return new MlforgeError(
    'object_missing',
    `Object ${uri} is not in the object store. Restore it from a backup, or write the same content again.`,
    { uri },
  )
}

/**
 * The items of `source`; ends with the signal's reason as soon as it aborts, even where the source
 * is stalled and never answers again.
 */
export async function* abortable<T>(source: AsyncIterable<T>, signal?: AbortSignal): AsyncGenerator<T> {
  if (signal === undefined) {
    yield* source
    return
  }
  signal.throwIfAborted()
  const iterator = source[Symbol.asyncIterator]()
  let abort = (): void => undefined
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
  })
  aborted.catch(() => undefined)
  let finished = false
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted])
      if (next.done === true) {
        finished = true
        return
      }
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', abort)
    // Not awaited: a stalled source may never answer. Its own errors are of no interest any more.
    if (!finished) iterator.return?.().catch(() => undefined)
  }
}
