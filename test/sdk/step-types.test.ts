import { describe, expect, it } from '@jest/globals'
import {
  STEP_OUTPUTS,
  type Decimal,
  type Integer,
  type JsonWithReferences,
  type ReferenceTo,
  type StepInputs,
  type Table,
  type Text,
  type ValueType,
  type Written,
} from '../../contracts/rest/pipeline-steps.js'
import { STEP_TYPES } from '../../domain/pipelines/step-types.js'
import type { ValueType as DomainValueType } from '../../domain/pipelines/values.js'

type Equal<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
/** Does not compile unless its argument is true. */
function holds<T extends true>(value: T): T {
  return value
}

type Types = typeof STEP_TYPES
type InputsOf<K extends keyof Types> = Types[K]['inputs']
/** Inputs that may be left out, by the library and by the contract. */
type Optional<K extends keyof Types> = {
  [I in keyof InputsOf<K>]: InputsOf<K>[I] extends { optional: true } | { default: unknown } ? I : never
}[keyof InputsOf<K>]
type OptionalOf<T> = { [I in keyof T]-?: undefined extends T[I] ? I : never }[keyof T]

interface Taken {
  string: Text
  integer: Integer
  number: Decimal
  boolean: boolean | ReferenceTo<'boolean'> | ReferenceTo<'json'>
  json: JsonWithReferences
  table: Table
  file: ReferenceTo<'file'>
  strings: Written[]
  tables: { [name: string]: Table }
  texts: { [name: string]: Written }
}
/** What an input may be besides its type. */
type Nothing<Input> = Input extends { nullable: true } ? null : never
/** The contract's inputs take nothing that the library would refuse for its type; JSON has shapes of its own. */
type Fits<K extends keyof Types> = {
  [I in keyof InputsOf<K> & keyof StepInputs[K]]: InputsOf<K>[I] extends { type: infer V extends ValueType }
    ? 'json' extends V
      ? never
      : Exclude<StepInputs[K][I], undefined | Nothing<InputsOf<K>[I]>> extends Taken[V]
        ? never
        : I
    : I
}[keyof InputsOf<K> & keyof StepInputs[K]]
type Each<Check extends { [K in keyof Types]: unknown }, Wanted> = {
  [K in keyof Types]: Equal<Check[K], Wanted>
}[keyof Types]

describe('the contract of step types', () => {
  it('has the inputs of the library, optional where they are', () => {
    expect(holds<Equal<keyof StepInputs, keyof Types>>(true)).toBe(true)
    expect(
      holds<{ [K in keyof Types]: Equal<keyof StepInputs[K], keyof InputsOf<K>> }[keyof Types]>(true),
    ).toBe(true)
    expect(
      holds<{ [K in keyof Types]: Equal<OptionalOf<StepInputs[K]>, Optional<K>> }[keyof Types]>(true),
    ).toBe(true)
    expect(holds<Each<{ [K in keyof Types]: Fits<K> }, never>>(true)).toBe(true)
    expect(holds<Equal<ValueType, DomainValueType>>(true)).toBe(true)
  })

  it('has the outputs of the library, with their types', () => {
    const outputs = Object.entries(STEP_TYPES).map(([name, type]) => [
      name,
      Object.fromEntries(Object.entries(type.outputs).map(([output, spec]) => [output, spec.type])),
    ])
    expect(STEP_OUTPUTS).toEqual(Object.fromEntries(outputs))
  })
})
