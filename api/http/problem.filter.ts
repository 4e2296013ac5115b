import { type ArgumentsHost, Catch, type ExceptionFilter, Inject } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { problemDetails } from '../../domain/problem-details.js'
import { LOGGER, type Log } from '../platform/tokens.js'
import { asMlforgeError, RETRY_AFTER_SECONDS } from './problem.js'

// Headers of the content that should have been sent.
const OF_CONTENT = ['content-length', 'content-disposition', 'etag', 'cache-control']

/** The one place where an error becomes an answer. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly log: Log) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp()
    answerProblem(this.log, thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>())
  }
}

/** Answers a request with what went wrong. */
export function answerProblem(log: Log, thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const error = asMlforgeError(thrown, request.id)
  if (error.code === 'internal') log.error({ err: thrown, requestId: request.id }, 'request failed')
  if (reply.sent || reply.raw.headersSent) {
    reply.raw.destroy()
    return
  }
  if (error.http === 503) void reply.header('retry-after', String(RETRY_AFTER_SECONDS))
  if (error.http === 401) void reply.header('www-authenticate', 'Bearer realm="mlforge"')
  for (const header of OF_CONTENT) void reply.removeHeader(header)
  const path = request.url.split('?', 1)[0]!
  void reply
    .status(error.http)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .send(JSON.stringify(problemDetails(error, path, request.id)))
}
