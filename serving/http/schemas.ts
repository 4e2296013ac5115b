import type { ProblemDetails } from '../../contracts/rest/common.js'
import type {
  Prediction,
  PredictRequest,
  PredictResponse,
  PredictRow,
  ServedDeployment,
  ServingLive,
  ServingReady,
} from '../../contracts/rest/predict.js'
import type { ErrorCode, Problem } from '../../domain/errors.js'
import { MAX_ROWS } from '../../domain/serving/read-rows.js'

/** The types that have a name in the document. */
interface Named {
  PredictRequest: PredictRequest
  PredictRow: PredictRow
  PredictResponse: PredictResponse
  Prediction: Prediction
  Live: ServingLive
  Ready: ServingReady
  ServedDeployment: ServedDeployment
  ProblemDetails: ProblemDetails
  Problem: Problem
}

interface Described {
  readonly description?: string
}
interface Text extends Described {
  readonly type: 'string'
  readonly format?: 'date-time'
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly enum?: readonly string[]
}
interface Numeric extends Described {
  readonly type: 'number' | 'integer'
}
interface Flag extends Described {
  readonly type: 'boolean'
}

/** What of OpenAPI 3.0 describes a T: where a member of a contract changes, its schema no longer compiles. */
type SchemaOf<T> = null extends T
  ? SchemaOf<NonNullable<T>> & { readonly nullable: true }
  : [T] extends [string]
    ? Text
    : [T] extends [number]
      ? Numeric
      : [T] extends [boolean]
        ? Flag
        : [T] extends [number | boolean]
          ? { readonly oneOf: readonly [Numeric, Flag] }
          : [T] extends [number | boolean | string]
            ? { readonly oneOf: readonly [Numeric, Flag, Text] }
            : T extends readonly (infer Item)[]
              ? Described & {
                  readonly type: 'array'
                  readonly items: SchemaOf<Item>
                  readonly minItems?: number
                  readonly maxItems?: number
                }
              : string extends keyof T
                ? Described & {
                    readonly type: 'object'
                    readonly additionalProperties: SchemaOf<T[keyof T]>
                  }
                : { readonly $ref: Reference<NameOf<T>> }

type NameOf<T> = {
  [Name in keyof Named]: [T, Named[Name]] extends [Named[Name], T] ? Name : never
}[keyof Named]
type Reference<Name extends keyof Named> = `#/components/schemas/${Name}`

/** Members that have a name of their own. */
type Members<T> = { [Name in keyof T as string extends Name ? never : Name]: T[Name] }
type OptionalOf<T> = {
  [Name in keyof T]-?: object extends Pick<T, Name> ? Name : never
}[keyof T]

interface ObjectSchema extends Described {
  readonly type: 'object'
  readonly properties: Readonly<Record<string, unknown>>
  readonly required: readonly string[]
  readonly additionalProperties: boolean
}

/** An object that has these members: all of T's, each where it belongs. */
function object<T>(
  required: { [Name in Exclude<keyof Members<T>, OptionalOf<Members<T>>>]: SchemaOf<T[Name]> },
  optional: { [Name in OptionalOf<Members<T>>]-?: SchemaOf<Exclude<T[Name], undefined>> },
  additionalProperties = false,
): ObjectSchema {
  return {
    type: 'object',
    properties: { ...required, ...optional },
    required: Object.keys(required),
    additionalProperties,
  }
}

export const ref = <Name extends keyof Named>(name: Name) =>
  ({ $ref: `#/components/schemas/${name}` }) as { readonly $ref: Reference<Name> }

/** Schemas of what serving takes and gives, by their names. @param codes those that an error can have here */
export function schemas(codes: readonly ErrorCode[]): Record<keyof Named, ObjectSchema> {
  return {
    PredictRequest: object<PredictRequest>(
      { rows: { type: 'array', items: ref('PredictRow'), minItems: 1, maxItems: MAX_ROWS } },
      {},
    ),
    PredictRow: object<PredictRow>(
      {
        features: {
          type: 'object',
          description:
            "Exactly the features of the answering version's signature, each of its type: a number or a boolean. Where the signature has a transformation, its input, and any other column that this knows: text, dates as ISO 8601 text, and null for a missing value too.",
          additionalProperties: {
            oneOf: [{ type: 'number' }, { type: 'boolean' }, { type: 'string' }],
            nullable: true,
          },
        },
      },
      {
        id: {
          type: 'string',
          description:
            'Names the prediction: the same id again gives the first answer. A UUIDv7 where it is missing.',
          minLength: 1,
          maxLength: 200,
          pattern: '^\\S+$',
        },
        key: {
          type: 'string',
          description: 'What the split is decided on; the id where it is missing.',
          minLength: 1,
          maxLength: 200,
        },
        eventTime: {
          type: 'string',
          format: 'date-time',
          description: 'ISO 8601 with an offset, at most 24 hours ahead; the arrival where it is missing.',
        },
      },
    ),
    PredictResponse: object<PredictResponse>(
      {
        deployment: { type: 'string' },
        revision: { type: 'integer', description: 'of the plan that answered' },
        predictions: { type: 'array', items: ref('Prediction'), description: 'in the order of the rows' },
      },
      {},
    ),
    Prediction: object<Prediction>(
      { id: { type: 'string' }, version: { type: 'integer' }, value: { type: 'number' } },
      {},
    ),
    Live: object<ServingLive>({ live: { type: 'boolean' } }, {}),
    Ready: object<ServingReady>(
      { ready: { type: 'boolean' }, deployments: { type: 'array', items: ref('ServedDeployment') } },
      {},
    ),
    ServedDeployment: object<ServedDeployment>(
      {
        deployment: { type: 'string' },
        revision: { type: 'integer', description: 'of the plan that answers, 0 for none' },
        problem: { type: 'string', nullable: true, description: 'why a newer plan does not answer' },
      },
      {},
    ),
    ProblemDetails: object<ProblemDetails>(
      {
        type: { type: 'string' },
        title: { type: 'string' },
        status: { type: 'integer' },
        detail: { type: 'string', description: 'what happened, to what, and what to do next' },
        code: { type: 'string', enum: codes, description: 'stable' },
      },
      {
        instance: { type: 'string', description: 'path of the request' },
        problems: { type: 'array', items: ref('Problem'), description: 'what is wrong, the first twenty' },
      },
      true,
    ),
    Problem: object<Problem>(
      {
        at: { type: 'string', description: 'JSON path of the field' },
        message: { type: 'string', description: 'what is wrong and what to do' },
      },
      {},
    ),
  }
}
