import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'

/**
 * Sends content in parts that hold until the next one is asked for, each when the one before has gone.
 * @throws what reading them does, and what the connection does; then nothing more is sent
 */
export async function sendParts(
  reply: FastifyReply,
  { bytes, parts }: { readonly bytes: number; readonly parts: AsyncIterable<Uint8Array> },
): Promise<void> {
  reply.hijack()
  const { raw } = reply
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'application/octet-stream',
    'content-length': bytes,
  })
  for await (const part of parts) await sent(raw, part)
  raw.end()
}

function sent(raw: ServerResponse, part: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    raw.write(part, error => (error ? reject(error) : resolve()))
  })
}
