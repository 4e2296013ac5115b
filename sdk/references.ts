import type { Given, ReferenceTo, ReferenceToJson, ValueType } from '../contracts/rest/pipeline-steps.js'
import type { JsonValue } from '../contracts/rest/pipelines.js'

class PipelineReference<T extends ValueType> implements ReferenceTo<T> {
  constructor(
    readonly type: T,
    private readonly name: string,
  ) {}

  at(...path: (string | number)[]): ReferenceToJson {
    return new PipelineReference('json', [this.name, ...path].join('.'))
  }

  toString(): string {
    return `\${{ ${this.name} }}`
  }
}

/** Reference to what a dotted name stands for in a run. */
export function referenceTo<T extends ValueType>(type: T, name: string): Given<T> {
  return new PipelineReference(type, name) as unknown as Given<T>
}

/** A value as JSON: references as texts, members that are undefined left out. */
export function written(value: unknown): JsonValue {
  if (value instanceof PipelineReference) return value.toString()
  if (Array.isArray(value)) return value.map(written)
  if (typeof value !== 'object' || value === null) return value as JsonValue
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== undefined)
      .map(([name, each]) => [name, written(each)]),
  )
}
