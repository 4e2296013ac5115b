import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config/config.js'
import { MlforgeError } from '../domain/errors.js'
import { AppModule } from './app.module.js'
import { Metrics } from './health/metrics.js'
import { addHooks, addParsers, requestId } from './http/hooks.js'
import { validationPipe } from './http/validation.js'
import { answerProblem } from './http/problem.filter.js'
import { serveDocument } from './http/document.js'
import { Draining } from './platform/draining.js'
import { nestLogger } from './platform/logging.js'
import type { Log } from './platform/tokens.js'

/** The whole control plane, wired and not yet listening; nothing is connected before `init` or `listen`. */
export async function createApp(config: Config, log: Log): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    logger: false,
    genReqId: requestId,
    bodyLimit: config.api.maxBodyBytes,
    // A header that never ends must not hold a connection; uploads may take their time.
    http: { headersTimeout: 20_000 },
    requestTimeout: 0,
    routerOptions: { maxParamLength: 300 },
    // Addresses that do not come as far as a route.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      answerProblem(log, new MlforgeError('invalid_request', error.message), request, reply),
  })
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(config, log), adapter, {
    logger: nestLogger(log),
    bodyParser: false,
    abortOnError: false,
  })
  const server = adapter.getInstance()
  addHooks(server as never, {
    config,
    log,
    metrics: () => app.get(Metrics),
    draining: () => app.get(Draining),
  })
  addParsers(server as never)
  app.useGlobalPipes(validationPipe())
  serveDocument(app)
  return app
}
