import { Injectable, type PipeTransform } from '@nestjs/common'
import { MlforgeError } from '../../domain/errors.js'
import { ID_PATTERN, NAME_PATTERN, NAME_RULE } from '../../domain/names.js'
import { invalidRequest } from './validation.js'

/** Ids are UUIDs; nothing is found under anything else. */
@Injectable()
export class IdParam implements PipeTransform<string, string> {
  transform(value: string): string {
    const id = value.toLowerCase()
    if (ID_PATTERN.test(id)) return id
    throw new MlforgeError('not_found', `There is nothing with the id "${value}": ids are UUIDs.`)
  }
}

/** SHA-256 in hex; nothing is found under anything else. */
@Injectable()
export class HashParam implements PipeTransform<string, string> {
  transform(value: string): string {
    if (/^[0-9a-f]{64}$/.test(value)) return value
    throw new MlforgeError('not_found', `"${value}" is no SHA-256: give 64 hexadecimal digits (lower case).`)
  }
}

/** `latest` or a whole number from 1. */
@Injectable()
export class VersionParam implements PipeTransform<string, number | 'latest'> {
  transform(value: string): number | 'latest' {
    if (value === 'latest') return value
    if (/^[1-9]\d{0,8}$/.test(value)) return Number(value)
    throw new MlforgeError(
      'not_found',
      `There is no version "${value}": versions are numbers from 1, or \`latest\`.`,
    )
  }
}

/** @throws MlforgeError invalid_request for a name that nothing can be made under */
export function assertName(what: string, name: string): void {
  if (NAME_PATTERN.test(name)) return
  throw invalidRequest([{ at: `path {name}`, message: `"${name}" cannot name a ${what}. Use ${NAME_RULE}.` }])
}
