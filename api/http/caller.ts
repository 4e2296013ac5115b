import { createParamDecorator, type ExecutionContext } from '@nestjs/common'
import type { FastifyRequest } from 'fastify'
import type { Principal } from './request.js'

/** The principal that the guard found; routes without a key have none and must not ask. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  const { principal } = context.switchToHttp().getRequest<FastifyRequest>()
  if (!principal) throw new Error('a public route asked who calls')
  return principal
})
