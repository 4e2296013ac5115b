import { Injectable, type PipeTransform } from '@nestjs/common'
import { parseSelector, SELECTOR_RULE, type VersionSelector } from '../../domain/data/selector.js'
import { MlforgeError } from '../../domain/errors.js'

/** A version of a dataset, however it is named. */
@Injectable()
export class SelectorParam implements PipeTransform<string, VersionSelector> {
  transform(value: string): VersionSelector {
    return selectorOf(value)
  }
}

/** @throws MlforgeError not_found for what selects nothing */
export function selectorOf(text: string): VersionSelector {
  const selector = parseSelector(text)
  if (selector !== null) return selector
  throw new MlforgeError('not_found', `"${text}" selects no version: give ${SELECTOR_RULE}.`)
}
