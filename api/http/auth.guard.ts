import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common'
import { Reflector } from '@nestjs/core'
import type { FastifyRequest } from 'fastify'
import { MlforgeError } from '../../domain/errors.js'
import type { Role } from '../../stores/postgres/entities/api-key.js'
import { Database } from '../platform/database.js'
import { KeyVerifier } from './key-verifier.js'
import { allows, ROLE } from './roles.js'

/** Every route needs a key, on loopback too, unless it is `@Public()`. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(KeyVerifier) private readonly keys: KeyVerifier,
    @Inject(Database) private readonly database: Database,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const role = this.reflector.getAllAndOverride<Role | null | undefined>(ROLE, [
      context.getHandler(),
      context.getClass(),
    ])
    if (role === null) return true
    const needed = role ?? 'admin'
    const request = context.switchToHttp().getRequest<FastifyRequest>()
    const key = presentedKey(request)
    this.database.assertReady()
    const principal = await this.keys.verify(key)
    if (!allows(principal.role, needed)) {
      throw new MlforgeError(
        'forbidden',
        `This needs a key of role ${needed}; "${principal.name.slice(4)}" is ${principal.role}. ` +
          'An admin makes one by POST /v1/keys.',
        { needed, role: principal.role },
      )
    }
    request.principal = principal
    return true
  }
}

function presentedKey(request: FastifyRequest): string {
  const { authorization } = request.headers
  const bearer = authorization === undefined ? undefined : /^Bearer +(\S+) *$/i.exec(authorization)?.[1]
  const header = request.headers['x-api-key']
  const key = bearer ?? (typeof header === 'string' && header !== '' ? header : undefined)
  if (key !== undefined) return key
  throw new MlforgeError(
    'unauthorized',
    'A key is needed. Send "Authorization: Bearer <key>" or "X-Api-Key: <key>"; ' +
      '`mlforge up` prints where the admin key is kept.',
  )
}
