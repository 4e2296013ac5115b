import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Config } from '../../config/config.js'
import { MlforgeError } from '../../domain/errors.js'
import { FILE_TYPES } from './file-body.js'
import { notJson } from '../../domain/problem-details.js'
import type { Metrics } from '../health/metrics.js'
import type { Draining } from '../platform/draining.js'
import type { Log } from '../platform/tokens.js'
import { badForm } from './body-form.js'
import { applyBodyLimit } from './body-limit.js'
import { assertHostAllowed } from './host.js'

/** The caller's X-Request-Id where it is a sane one, else a new id; answers and log lines carry it. */
export function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID()
}

export interface HookPorts {
  readonly config: Config
  readonly log: Log
  readonly metrics: () => Metrics
  readonly draining: () => Draining
}

/** What holds for every request, before and after its route: name of the host, request id, log, durations. */
export function addHooks(server: FastifyInstance, { config, log, metrics, draining }: HookPorts): void {
  server.addHook('onRoute', route => applyBodyLimit(route, config.api.maxBodyBytes))
  server.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id)
    void reply.header('x-content-type-options', 'nosniff')
    assertHostAllowed(request.headers.host, config.api.allowedHosts)
    done()
  })
  server.addHook('onSend', (_request, reply, payload, done) => {
    // A connection that would be kept alive keeps the process from ending.
    if (draining().active) void reply.header('connection', 'close')
    done(null, payload)
  })
  server.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none'
    metrics().observe(request.method, route, reply.statusCode, reply.elapsedTime / 1000)
    const level = isProbe(route) ? 'debug' : 'info'
    log[level](
      {
        requestId: request.id,
        method: request.method,
        route,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        ...(request.principal ? { principal: request.principal.name } : {}),
      },
      'request',
    )
    done()
  })
}

function isProbe(route: string): boolean {
  return route === '/live' || route === '/ready' || route === '/metrics'
}

/** Bodies are JSON; only uploads take the bytes of a file, which are handed on as they come. */
export function addParsers(server: FastifyInstance): void {
  const json = server.getDefaultJsonParser('error', 'error')
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') return done(null, undefined)
    void json(request, body as string, (error, value) => {
      done(error ? notJson(body as string) : badForm(value), value)
    })
  })
  server.addContentTypeParser([...FILE_TYPES], (request, payload, done) => {
    if (takesFiles(request)) return done(null, payload)
    done(
      new MlforgeError(
        'unsupported_media_type',
        'The body must be JSON: send "Content-Type: application/json". Files go to POST /v1/uploads.',
      ),
    )
  })
}

function takesFiles(request: FastifyRequest): boolean {
  const { url } = request.routeOptions
  return url === '/v1/uploads' || url === '/v1/datasets/:name/pushes/:id/packs/:sha256'
}
