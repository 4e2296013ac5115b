import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import { DocumentBuilder, getSchemaPath, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger'
import { ERROR_CODES, type ErrorCode } from '../../domain/errors.js'
import { ProblemDto } from './problems.js'

const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const
const PUBLIC = ['/live', '/ready']
const EVERYWHERE = [
  'unauthorized',
  'key_expired',
  'forbidden',
  'host_not_allowed',
  'internal',
  'unavailable',
] as const
const WITH_BODY = ['invalid_request', 'body_too_large', 'unsupported_media_type'] as const
const PROBLEM_CONTENT = { 'application/problem+json': { schema: { $ref: getSchemaPath(ProblemDto) } } }

type OperationObject = NonNullable<OpenAPIObject['paths'][string]['get']>
type ResponseObject = { description: string; content?: typeof PROBLEM_CONTENT }

const DESCRIPTION = `Control plane of MLForge. Starting work answers 202 with the run, also while Temporal is away.
Every error is \`application/problem+json\` with a stable \`code\`. Lists are newest first, with \`cursor\`.`

/** The OpenAPI description of the routes, the same each time: docs/openapi.json is compared with it. */
export function openApiDocument(app: NestFastifyApplication): OpenAPIObject {
  const info = new DocumentBuilder()
    .setTitle('MLForge')
    .setVersion('1')
    .setDescription(DESCRIPTION)
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'A key, as `mlforge up` prints it' }, 'key')
    .addApiKey({ type: 'apiKey', in: 'header', name: 'X-Api-Key' }, 'header')
    .addSecurityRequirements('key')
    .addSecurityRequirements('header')
    .build()
  const document = SwaggerModule.createDocument(app, info, {
    operationIdFactory: (_controller, method) => method,
    autoTagControllers: false,
  })
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = item[method]
      if (!operation) continue
      if (PUBLIC.includes(path)) operation.security = []
      addProblems(operation, PUBLIC.includes(path) ? ['host_not_allowed'] : EVERYWHERE)
      if (operation.requestBody) addProblems(operation, WITH_BODY)
    }
  }
  return document
}

/** Adds what a route can answer like any other to what it documents itself. */
function addProblems(operation: OperationObject, codes: readonly ErrorCode[]): void {
  for (const code of codes) {
    const status = String(ERROR_CODES[code].http)
    const known = (operation.responses[status] ?? { description: '' }) as ResponseObject
    if (known.description.includes(`\`${code}\``)) continue
    operation.responses[status] = {
      ...known,
      description: [known.description, `\`${code}\``].filter(text => text !== '').join(', '),
      content: known.content ?? PROBLEM_CONTENT,
    }
  }
}

/** Readable at /docs, without the internet; as JSON at /docs-json. */
export function serveDocument(app: NestFastifyApplication): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app), { jsonDocumentUrl: 'docs-json' })
}
