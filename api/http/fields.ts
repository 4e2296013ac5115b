import { applyDecorators, type Type } from '@nestjs/common'
import { ApiProperty, type ApiPropertyOptions, getSchemaPath } from '@nestjs/swagger'
import { plainToInstance, Transform, Type as Converted } from 'class-transformer'
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateBy,
  ValidateNested,
  validateSync,
  type ValidationArguments,
} from 'class-validator'
import type { Problem } from '../../domain/errors.js'
import { NAME_PATTERN, NAME_RULE } from '../../domain/names.js'
import { didYouMean } from '../../domain/suggest.js'
import { asNestedMessage, problemsOfObject } from './validation.js'

// Fields of request bodies: each decorator checks the value and documents it, so the two cannot differ.

interface FieldOptions {
  optional?: true
  description?: string
  example?: unknown
  default?: unknown
}

function field(options: FieldOptions, schema: ApiPropertyOptions, ...checks: PropertyDecorator[]) {
  const { optional, ...documentation } = options
  return applyDecorators(
    ApiProperty({ ...schema, ...documentation, required: optional !== true } as ApiPropertyOptions),
    ...(optional ? [IsOptional()] : []),
    ...checks,
  )
}

/** A name as datasets, models, schedules and aliases have it. */
export const NameField = (options: FieldOptions = {}) =>
  field(
    options,
    { type: String, pattern: NAME_PATTERN.source },
    IsString(),
    Matches(NAME_PATTERN, { message: `$property is written with ${NAME_RULE}` }),
  )

export const TextField = ({
  min = 0,
  max = 1000,
  ...options
}: FieldOptions & { min?: number; max?: number } = {}) =>
  field(
    options,
    { type: String, maxLength: max, ...(min > 0 ? { minLength: min } : {}) },
    IsString(),
    MinLength(min),
    MaxLength(max),
  )

const GIT_COMMIT = /^[0-9a-fA-F]{4,64}$/

/** A commit of git, as it names them: a whole SHA-1 or SHA-256, or as few digits of it as it takes. */
export const GitCommitField = (options: FieldOptions = {}) =>
  field(
    options,
    { type: String, pattern: GIT_COMMIT.source },
    IsString(),
    Matches(GIT_COMMIT, { message: '$property is 4 to 64 hexadecimal digits, as `git rev-parse HEAD` says' }),
  )

export const IntField = ({ min, max, ...options }: FieldOptions & { min: number; max: number }) =>
  field(options, { type: 'integer', minimum: min, maximum: max }, IsInt(), Min(min), Max(max))

export const NumberField = ({ min, max, ...options }: FieldOptions & { min?: number; max?: number } = {}) =>
  field(
    options,
    {
      type: Number,
      ...(min === undefined ? {} : { minimum: min }),
      ...(max === undefined ? {} : { maximum: max }),
    },
    IsNumber({ allowNaN: false, allowInfinity: false }),
    ...(min === undefined ? [] : [Min(min)]),
    ...(max === undefined ? [] : [Max(max)]),
  )

export const FlagField = (options: FieldOptions = {}) => field(options, { type: Boolean }, IsBoolean())

export const ChoiceField = (values: readonly string[], options: FieldOptions = {}) =>
  field(
    options,
    { enum: [...values] },
    satisfies(value => {
      if (typeof value === 'string' && values.includes(value)) return []
      const message = `${JSON.stringify(value)} is not one of ${values.join(', ')}.`
      return [{ at: '', message: message + didYouMean(String(value), values) }]
    }),
  )

/** A list of texts. */
export const TextsField = ({
  min = 0,
  max = 1000,
  ...options
}: FieldOptions & { min?: number; max?: number } = {}) =>
  field(
    options,
    { type: [String], minItems: min, maxItems: max },
    IsArray(),
    ArrayMinSize(min),
    ArrayMaxSize(max),
    IsString({ each: true }),
    MaxLength(1000, { each: true }),
  )

/** One object of another DTO. */
export const ObjectField = (dto: () => Type<object>, options: FieldOptions = {}) =>
  field(options, { type: dto() }, IsObject(), ValidateNested(), Converted(dto))

export const ObjectsField = (
  dto: () => Type<object>,
  { max = 200, ...options }: FieldOptions & { max?: number } = {},
) =>
  field(
    options,
    { type: [dto()], maxItems: max },
    IsArray(),
    ArrayMaxSize(max),
    ValidateNested({ each: true }),
    Converted(dto),
  )

/**
 * An object whose members are all of one DTO, by names that the caller chooses. Its controller names
 * the DTO by ApiExtraModels.
 */
export const RecordField = (dto: Type<object>, options: FieldOptions = {}) =>
  field(
    options,
    { type: 'object', additionalProperties: { $ref: getSchemaPath(dto) } },
    IsObject(),
    satisfies(value => asRecord(value).flatMap(([key, member]) => memberProblems(dto, key, member))),
  )

/** An object whose members are looked at where they are used: it is taken as it came, whatever its keys. */
export const MapField = (options: FieldOptions = {}) =>
  field(
    options,
    { type: 'object', additionalProperties: true },
    Transform(({ obj, key }: { obj: Record<string, unknown>; key: string }) => obj[key]),
    IsObject(),
  )

/** A list whose members are looked at where they are used: they are taken as they came. */
export const ListField = ({ max, ...options }: FieldOptions & { max: number }) =>
  field(
    options,
    { type: 'array', items: { type: 'object', additionalProperties: true }, minItems: 1, maxItems: max },
    Transform(({ obj, key }: { obj: Record<string, unknown>; key: string }) => obj[key]),
    IsArray(),
    ArrayMinSize(1),
    ArrayMaxSize(max),
  )

const ANY = [
  { type: 'object', additionalProperties: true },
  { type: 'array', items: {} },
  { type: 'string' },
  { type: 'number' },
  { type: 'boolean' },
]

/** Any JSON. */
export const AnyField = ({ max = 32_768, ...options }: FieldOptions & { max?: number } = {}) =>
  field(
    options,
    { nullable: true, oneOf: ANY } as ApiPropertyOptions,
    satisfies(value =>
      (JSON.stringify(value) ?? '').length <= max
        ? []
        : [{ at: '', message: `Must be at most ${max} characters of JSON.` }],
    ),
  )

/** Documents a member of an answer whose form is not promised. */
export const AnyProperty = (description: string) =>
  ApiProperty({
    description,
    nullable: true,
    oneOf: ANY,
  })

/** A rule of our own: answers what is wrong, with paths below the field (empty for the field itself). */
export function satisfies(problemsIn: (value: unknown, whole: object) => Problem[]): PropertyDecorator {
  return ValidateBy({
    name: 'satisfies',
    validator: {
      validate: (value: unknown, context) => problemsIn(value, context?.object ?? {}).length === 0,
      defaultMessage: (context?: ValidationArguments) =>
        asNestedMessage(problemsIn(context?.value, context?.object ?? {})),
    },
  })
}

/** A moment with its offset, such as an event time. */
export const isInstant = satisfies(value => {
  const good = typeof value === 'string' && /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(value)
  return good && !Number.isNaN(Date.parse(value))
    ? []
    : [{ at: '', message: 'Must be an ISO 8601 time with an offset, such as 2026-01-31T12:00:00Z.' }]
})

function memberProblems(dto: Type<object>, key: string, member: unknown): Problem[] {
  const at = `.${key}`
  if (typeof member !== 'object' || member === null || Array.isArray(member)) {
    return [{ at, message: 'Must be an object.' }]
  }
  const errors = validateSync(plainToInstance(dto, member), { whitelist: true, forbidNonWhitelisted: true })
  return problemsOfObject(errors).map(problem => ({ ...problem, at: `${at}.${problem.at}` }))
}

function asRecord(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : []
}
