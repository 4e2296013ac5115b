import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from '../../config/config.js'
import type { PredictResponse, ServingLive, ServingReady } from '../../contracts/rest/predict.js'
import { MlforgeError } from '../../domain/errors.js'
import { notJson, problemDetails } from '../../domain/problem-details.js'
import type { Keys } from '../keys.js'
import type { Metrics } from '../metrics.js'
import type { Plans } from '../plans/plans.js'
import type { Predictor } from '../predictor.js'
import { assertHostAllowed, pinnedVersion, presentedKey } from './access.js'
import { SERVING_DOCUMENT } from './document.js'
import { asMlforgeError, retryAfter } from './problem.js'

export interface ServerPorts {
  readonly config: Config
  readonly log: Logger
  readonly keys: Keys
  readonly plans: Plans
  readonly predictor: Predictor
  readonly metrics: Metrics
  /** True when the replica can answer what it is there to answer. */
  readonly ready: () => boolean
  readonly draining: () => boolean
}

interface PredictRoute {
  Params: { name: string; version?: string }
}

const JSON_TYPE = 'application/json; charset=utf-8'

/** The data plane's HTTP server, not yet listening. Bare Fastify: a prediction takes a fraction of a millisecond. */
export function createServer(ports: ServerPorts): FastifyInstance {
  const { config, keys, plans, predictor, metrics } = ports
  const server = fastify({
    logger: false,
    genReqId: requestId,
    bodyLimit: config.api.maxBodyBytes,
    http: { headersTimeout: 20_000 },
    requestTimeout: config.serving.deadlineSeconds * 1000 + 20_000,
    // While it drains, what is under way is finished and what still comes on open connections is answered.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 300 },
    // Addresses that do not come as far as a route.
    frameworkErrors: (error, request, reply) => refuse(ports, error, request, reply),
  })
  server.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id)
    void reply.header('x-content-type-options', 'nosniff')
    assertHostAllowed(request.headers.host, config.api.allowedHosts)
    done()
  })
  server.addHook('onSend', (_request, reply, payload, done) => {
    // A connection that would be kept alive keeps the process from ending.
    if (ports.draining()) void reply.header('connection', 'close')
    done(null, payload)
  })
  server.setErrorHandler((error, request, reply) => refuse(ports, error, request, reply))
  server.setNotFoundHandler((request, reply) => {
    const what = 'There is no such address here. Predictions are POST /v1/deployments/{name}/predict.'
    refuse(ports, new MlforgeError('not_found', what), request, reply)
  })
  takeJson(server)

  const predict = async (request: FastifyRequest<PredictRoute>, reply: FastifyReply): Promise<string> => {
    const { name, version } = request.params
    const pinned = pinnedVersion(version, request.headers)
    const answer = await predictor.predict(plans.get(name), pinned, request.body)
    metrics.answered(name, versionsOf(answer), reply.elapsedTime / 1000)
    void reply.header('content-type', JSON_TYPE)
    return JSON.stringify(answer)
  }
  // Before the body is read: who may not ask sends none.
  const onRequest = (request: FastifyRequest, _reply: FastifyReply, done: () => void): void => {
    keys.verify(presentedKey(request.headers))
    done()
  }
  server.post<PredictRoute>('/v1/deployments/:name/predict', { onRequest }, predict)
  server.post<PredictRoute>('/v1/deployments/:name/versions/:version/predict', { onRequest }, predict)
  addProbes(server, ports)
  return server
}

/** The caller's X-Request-Id where it is a sane one, else a new id; answers and log lines carry it. */
function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID()
}

function versionsOf({ predictions }: PredictResponse): Iterable<number> {
  if (predictions.length === 1) return [predictions[0]!.version]
  return new Set(predictions.map(({ version }) => version))
}

function addProbes(server: FastifyInstance, { plans, metrics, ready }: ServerPorts): void {
  server.get('/live', (): ServingLive => ({ live: true }))
  server.get('/ready', (_request, reply) => {
    const deployments = plans
      .status()
      .map(({ deployment, revision, problem }) => ({ deployment, revision, problem }))
    return reply.status(ready() ? 200 : 503).send({ ready: ready(), deployments } satisfies ServingReady)
  })
  server.get('/openapi.json', () => SERVING_DOCUMENT)
  server.get('/metrics', async (_request, reply) => {
    void reply.header('content-type', metrics.registry.contentType)
    return metrics.registry.metrics()
  })
}

/** Bodies are JSON and nothing else. */
function takeJson(server: FastifyInstance): void {
  const json = server.getDefaultJsonParser('error', 'error')
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') return done(null, undefined)
    void json(request, body as string, (error, value) => {
      done(error ? notJson(body as string) : null, value)
    })
  })
}

/** The one place where an error becomes an answer. */
function refuse(ports: ServerPorts, thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const error = asMlforgeError(thrown, request.id)
  if (error.code === 'internal') ports.log.error({ err: thrown, requestId: request.id }, 'request failed')
  const { name = '' } = (request.params ?? {}) as { name?: string }
  // Names that do not exist would fill the registry.
  ports.metrics.refused(ports.plans.has(name) ? name : '', error.code)
  const seconds = retryAfter(error)
  if (seconds !== undefined) void reply.header('retry-after', String(seconds))
  // The framework would close the connection under a client that is still sending and so never reads why.
  if (error.code === 'body_too_large') void reply.removeHeader('connection')
  if (error.http === 401) void reply.header('www-authenticate', 'Bearer realm="mlforge"')
  void reply
    .status(error.http)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .send(JSON.stringify(problemDetails(error, request.url.split('?', 1)[0]!, request.id)))
}
