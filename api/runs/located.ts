import type { FastifyReply } from 'fastify'
import type { Operation } from '../../contracts/rest/operations.js'

/** Says where the run that was taken on is found. */
export function located<T extends Operation>(reply: FastifyReply, run: T): T {
  void reply.header('location', run.links.self)
  return run
}
