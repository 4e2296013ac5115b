import { ERROR_CODES, type ErrorCode } from '../../domain/errors.js'
import { ref, schemas } from './schemas.js'

const PREDICT_CODES = [
  'invalid_request',
  'unauthorized',
  'key_expired',
  'host_not_allowed',
  'not_found',
  'prediction_id_reused',
  'body_too_large',
  'unsupported_media_type',
  'features_invalid',
  'internal',
  'overloaded',
  'unavailable',
  'timed_out',
] as const satisfies readonly ErrorCode[]

const DESCRIPTION = `Data plane of MLForge: predictions, by the plan in force. It answers with all else down.
Every error is \`application/problem+json\` with a stable \`code\`; of a request that is wrong (4xx) nothing was predicted or logged.
A request that got no answer is sent again with the same ids, to any replica: each counts once.`

const RETRY_AFTER = {
  description: 'seconds after which to try again',
  required: true,
  schema: { type: 'integer' },
}

const json = (schema: object) => ({ 'application/json': { schema } })
const name = {
  name: 'name',
  in: 'path',
  required: true,
  description: 'deployment',
  schema: { type: 'string' },
}
const version = { in: 'header', schema: { type: 'integer', minimum: 1 } }

/** Answers of a route that are errors, by their status. */
function problems(codes: readonly ErrorCode[]): Record<string, object> {
  const statuses = [...new Set(codes.map(code => ERROR_CODES[code].http))]
  return Object.fromEntries(
    statuses.map(status => [
      status,
      {
        description: codes
          .filter(code => ERROR_CODES[code].http === status)
          .map(code => `\`${code}\``)
          .join(', '),
        ...(status === 503 ? { headers: { 'Retry-After': RETRY_AFTER } } : {}),
        content: { 'application/problem+json': { schema: ref('ProblemDetails') } },
      },
    ]),
  )
}

function predictRoute(operationId: string, summary: string, parameters: readonly object[]): object {
  return {
    operationId,
    summary,
    parameters: [name, ...parameters],
    requestBody: { required: true, content: json(ref('PredictRequest')) },
    responses: {
      200: { description: 'one prediction for each row', content: json(ref('PredictResponse')) },
      ...problems(PREDICT_CODES),
    },
  }
}

/** A route that anybody may ask. */
function probe(operationId: string, summary: string, responses: Record<string, object>): object {
  return {
    operationId,
    summary,
    security: [],
    responses: { ...responses, ...problems(['host_not_allowed']) },
  }
}

/** The OpenAPI description of the routes, the same each time: docs/openapi-serving.json is compared with it. */
export const SERVING_DOCUMENT = {
  openapi: '3.0.0',
  info: { title: 'MLForge serving', version: '1', description: DESCRIPTION },
  paths: {
    '/v1/deployments/{name}/predict': {
      post: predictRoute('predict', 'Predictions by the version that the plan gives each key.', [
        { ...version, name: 'Mlforge-Version', description: "one of the plan's versions, past its split" },
      ]),
    },
    '/v1/deployments/{name}/versions/{version}/predict': {
      post: predictRoute('predictByVersion', 'Predictions by one version of the plan, past its split.', [
        { ...version, name: 'version', in: 'path', required: true },
      ]),
    },
    '/live': {
      get: probe('getLive', 'The process runs.', {
        200: { description: 'it does', content: json(ref('Live')) },
      }),
    },
    '/ready': {
      get: probe('getReady', 'The replica answers what it is there to answer.', {
        200: { description: 'it does', content: json(ref('Ready')) },
        503: { description: 'not yet, or no more', content: json(ref('Ready')) },
      }),
    },
    '/metrics': {
      get: probe('getMetrics', 'Numbers for Prometheus.', {
        200: { description: 'text format 0.0.4', content: { 'text/plain': { schema: { type: 'string' } } } },
      }),
    },
    '/openapi.json': {
      get: probe('getDocument', 'This description.', {
        200: { description: 'OpenAPI 3.0', content: json({ type: 'object' }) },
      }),
    },
  },
  components: {
    securitySchemes: {
      key: { type: 'http', scheme: 'bearer', description: 'A key, as `mlforge up` prints it' },
      header: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
    },
    schemas: schemas(PREDICT_CODES),
  },
  security: [{ key: [] }, { header: [] }],
}
