import { createHash } from 'node:crypto'
import { pipeline, type Readable, Transform } from 'node:stream'
import { MlforgeError } from '../../domain/errors.js'

/**
 * `source` with its content hashed on the way. It fails with object_corrupt after the last chunk, so a
 * reader must not act on bytes before the end. Destroying it closes the source, even unread.
 */
export function verified(source: Readable, uri: string, sha256: string, signal?: AbortSignal): Readable {
  const hash = createHash('sha256')
  const checked = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      hash.update(chunk)
      done(null, chunk)
    },
    flush(done) {
      const found = hash.digest('hex')
      done(found === sha256 ? null : objectCorrupt(uri, `its content hashes to ${found}`))
    },
  })
  const abort = (): void => void checked.destroy(signal!.reason as Error)
  signal?.addEventListener('abort', abort, { once: true })
  pipeline(source, checked, () => signal?.removeEventListener('abort', abort))
  return checked
}

/** True for what reading says of bytes that are not there any more as they were written. */
export function isDamage(error: unknown): error is MlforgeError {
  return error instanceof MlforgeError && ['object_corrupt', 'object_missing'].includes(error.code)
}

export function objectCorrupt(uri: string, why: string): MlforgeError {
  return new MlforgeError(
    'object_corrupt',
    `Object ${uri} is corrupt: ${why}. Restore it from a backup, or write the same content again.`,
    { uri },
  )
}

/** An object that ends before what is asked of it. */
export function tooShort(uri: string, wanted: number, bytes: number): MlforgeError {
  return objectCorrupt(uri, `it ends after ${bytes} bytes where ${wanted} were expected`)
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
