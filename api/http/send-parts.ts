import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'

/**
 * Sends content in parts that hold until the next one is asked for, each when the one before has gone. Where the
 * client goes, nothing more is read.
 * @throws what reading them does
 */
export async function sendParts(
  reply: FastifyReply,
  { bytes, parts }: { readonly bytes: number; readonly parts: AsyncIterable<Uint8Array> },
): Promise<void> {
  const reading = parts[Symbol.asyncIterator]()
  // What cannot be read at all is an answer of its own.
  let part = await reading.next()
  reply.hijack()
  const { raw } = reply
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'application/octet-stream',
    'content-length': bytes,
  })
  try {
    for (; !part.done; part = await reading.next()) {
      if (!(await isSent(raw, part.value))) return
    }
    raw.end()
  } finally {
    await reading.return?.()
  }
}

/** False where the client has gone: then it is not said of what was being written. */
function isSent(raw: ServerResponse, part: Uint8Array): Promise<boolean> {
  return new Promise(resolve => {
    const gone = (): void => resolve(false)
    raw.once('close', gone)
    raw.write(part, error => {
      raw.off('close', gone)
      resolve(!error)
    })
  })
}
