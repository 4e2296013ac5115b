import { ValidationPipe } from '@nestjs/common'
import { getMetadataStorage, type ValidationError } from 'class-validator'
import { MlforgeError, type Problem } from '../../domain/errors.js'
import { didYouMean } from '../../domain/suggest.js'

/** Checks bodies and queries against their DTO: unknown fields are refused, all problems come at once. */
export function validationPipe(): ValidationPipe {
  return new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: false,
    validationError: { target: true, value: false },
    exceptionFactory: errors => invalidRequest(errors.flatMap(error => problemsOf(error, '$'))),
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

function problemsOf(error: ValidationError, parent: string): Problem[] {
  const at = /^\d+$/.test(error.property) ? `${parent}[${error.property}]` : `${parent}.${error.property}`
  const own = Object.entries(error.constraints ?? {}).map(([rule, message]) => ({
    at,
    message: rule === 'whitelistValidation' ? unknownField(error) : sentence(message),
  }))
  return [...own, ...(error.children ?? []).flatMap(child => problemsOf(child, at))]
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
