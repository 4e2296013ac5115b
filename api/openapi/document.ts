import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger'

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
  return SwaggerModule.createDocument(app, info, {
    operationIdFactory: (_controller, method) => method,
    autoTagControllers: false,
  })
}

/** Readable at /docs, without the internet; as JSON at /docs-json. */
export function serveDocument(app: NestFastifyApplication): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app), { jsonDocumentUrl: 'docs-json' })
}
