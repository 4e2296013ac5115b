import { Injectable, type PipeTransform } from '@nestjs/common'
import { selectorOf, type VersionSelector } from '../../domain/data/selector.js'

/** A version of a dataset, however it is named. */
@Injectable()
export class SelectorParam implements PipeTransform<string, VersionSelector> {
  transform(value: string): VersionSelector {
    return selectorOf(value)
  }
}
