import { createHash } from 'node:crypto'
import { createParamDecorator, type ExecutionContext } from '@nestjs/common'
import { ApiHeader } from '@nestjs/swagger'
import type { FastifyRequest } from 'fastify'
import { canonicalJson, type Json } from '../../domain/canonical-json.js'
import { MlforgeError } from '../../domain/errors.js'
import { invalidRequest } from './validation.js'

/** A request that may be sent again: same key, same answer. Keys live 7 days, per principal and route. */
export interface Idempotency {
  readonly route: string
  readonly key: string
  readonly bodySha256: string
}

/** The request's Idempotency-Key with the hash of its body, or undefined where none was sent. */
export const IdempotencyKey = createParamDecorator((_: unknown, context: ExecutionContext) =>
  idempotencyOf(context.switchToHttp().getRequest<FastifyRequest>()),
)

/** The key alone, of a request whose body is read as it comes. */
export const IdempotencyKeyOnly = createParamDecorator((_: unknown, context: ExecutionContext) =>
  keyOf(context.switchToHttp().getRequest<FastifyRequest>()),
)

function keyOf({ headers }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key']
  if (key === undefined || (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key))) return key
  throw invalidRequest([
    { at: 'header Idempotency-Key', message: 'Use 1 to 255 visible ASCII characters, such as a UUID.' },
  ])
}

function idempotencyOf(request: FastifyRequest): Idempotency | undefined {
  const key = keyOf(request)
  if (key === undefined) return undefined
  const body = canonicalJson((request.body ?? null) as Json)
  return {
    route: `${request.method} ${request.url.split('?', 1)[0]}`,
    key,
    bodySha256: createHash('sha256').update(body).digest('hex'),
  }
}

/**
 * The kept answer to a request with a key, without what it was kept by.
 * @throws MlforgeError idempotency_key_reused where another body had the key
 */
export function answerFor<A extends { readonly bodySha256?: string }>(
  { bodySha256, ...answer }: A,
  idempotency: Idempotency | undefined,
): Omit<A, 'bodySha256'> {
  if (idempotency && bodySha256 !== undefined && bodySha256 !== idempotency.bodySha256) {
    throw keyReused(idempotency.key)
  }
  return answer
}

export function keyReused(key: string): MlforgeError {
  return new MlforgeError(
    'idempotency_key_reused',
    `Idempotency-Key "${key}" was used with another body. Use a new key for a new request.`,
  )
}

/** Documents the header. */
export const ApiIdempotencyKey = (
  description = 'the same key and body get the same run again, for 7 days; another body is refused',
) =>
  ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description,
    schema: { type: 'string', maxLength: 255 },
  })
