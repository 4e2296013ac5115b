import type { Role } from '../../stores/postgres/entities/api-key.js'

/** Who asks, as the key says. */
export interface Principal {
  readonly keyId: string
  /** `key:<name>`, as runs and histories record it. */
  readonly name: string
  readonly role: Role
  readonly project: string
}

declare module 'fastify' {
  interface FastifyRequest {
    principal?: Principal
  }
}
