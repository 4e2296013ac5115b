import { type ArgumentMetadata, ValidationPipe } from '@nestjs/common'
import { getMetadataStorage, type ValidationError } from 'class-validator'
import { MlforgeError, type Problem } from '../../domain/errors.js'
import { isStorable, NOT_STORABLE, storableText } from '../../domain/storable.js'
import { didYouMean } from '../../domain/suggest.js'

/**
 * Checks bodies and queries against their DTO: unknown fields are refused, all problems come at once. Of what is right
 * in itself, texts that Postgres does not take are refused: it says of them that they are bad, and not which.
 */
export function validationPipe(): ValidationPipe {
  return new StorablePipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: false,
    validationError: { target: true, value: true },
    exceptionFactory: errors => invalidRequest(errors.flatMap(error => problemsOf(error, ''))),
  })
}

class StorablePipe extends ValidationPipe {
  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const checked: unknown = await super.transform(value, metadata)
    // What decorators of our own give is none of JSON: a principal, the stream of a file.
    if (metadata.type === 'custom') return checked
    const problems = unstorable(value, metadata.type === 'param' ? `path {${metadata.data}}` : '')
    if (problems.length > 0) throw invalidRequest(problems)
    return checked
  }
}

/** Every text and every name with a character that is not kept. A value is no deeper than `badForm` says. */
function unstorable(value: unknown, at: string): Problem[] {
  if (typeof value === 'string') return isStorable(value) ? [] : [{ at: at || 'body', message: NOT_STORABLE }]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) => {
    if (isStorable(name)) return unstorable(member, pathOf(at, name))
    return [{ at: pathOf(at, storableText(name)), message: NOT_STORABLE }]
  })
}

/** `invalid_request` with everything that is wrong, each under its JSON path. */
export function invalidRequest(problems: readonly Problem[]): MlforgeError {
  const [first] = problems
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more, see problems)` : ''
  return new MlforgeError(
    'invalid_request',
    first ? `${first.at}: ${first.message}${more}` : 'The request is not valid.',
    { problems },
  )
}

// A value of the wrong type breaks every other rule too; saying so once is enough.
const TYPE_RULES = ['isString', 'isInt', 'isNumber', 'isBoolean', 'isObject', 'isArray', 'isIn']

function problemsOf(error: ValidationError, parent: string): Problem[] {
  const at = pathOf(parent, error.property)
  return [...ownProblems(error, at), ...(error.children ?? []).flatMap(child => problemsOf(child, at))]
}

function pathOf(parent: string, property: string): string {
  if (/^\d+$/.test(property)) return `${parent}[${property}]`
  return parent === '' ? property : `${parent}.${property}`
}

function ownProblems(error: ValidationError, at: string): Problem[] {
  const rules = error.constraints ?? {}
  if (Object.keys(rules).length === 0) return []
  if ('whitelistValidation' in rules) return [{ at, message: unknownField(error) }]
  if (error.value === undefined) return [{ at, message: 'This field is needed.' }]
  const inside = Object.values(rules).flatMap(message => nestedProblems(message))
  if (inside.length > 0) return inside.map(each => ({ ...each, at: at + each.at }))
  const type = TYPE_RULES.find(rule => rule in rules)
  const messages = type === undefined ? Object.values(rules) : [rules[type]!]
  return messages.map(message => ({ at, message: sentence(message) }))
}

function unknownField({ property, target }: ValidationError): string {
  const known = target === undefined ? [] : fieldsOf(target)
  const list = known.length > 0 ? ` Known fields: ${known.join(', ')}.` : ''
  return `There is no field "${property}" here.${didYouMean(property, known)}${list}`
}

function fieldsOf(target: object): string[] {
  const metadata = getMetadataStorage().getTargetValidationMetadatas(target.constructor, '', false, false)
  return [...new Set(metadata.map(each => each.propertyName))].sort()
}

function sentence(message: string): string {
  const text = message[0]!.toUpperCase() + message.slice(1)
  return text.endsWith('.') ? text : `${text}.`
}

const NESTED = 'problems:'

/**
 * Message of a rule that looks into values class-validator cannot reach by itself (records); the
 * problems in it come out one by one, under their own paths.
 */
export function asNestedMessage(problems: readonly Problem[]): string {
  return NESTED + JSON.stringify(problems)
}

function nestedProblems(message: string): Problem[] {
  return message.startsWith(NESTED) ? (JSON.parse(message.slice(NESTED.length)) as Problem[]) : []
}

/** Problems of one object against a DTO, with paths that begin below it. */
export function problemsOfObject(errors: readonly ValidationError[]): Problem[] {
  return errors.flatMap(error => problemsOf(error, ''))
}
