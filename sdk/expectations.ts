import type {
  ExpectationOptions,
  ExpectationParameters,
  ExpectationSuite,
  ExpectationType,
  TypedExpectation,
} from '../contracts/rest/expectations.js'

/**
 * One expectation by its type, with the parameters that type has:
 * `expectation('expect_column_values_to_be_between', { column: 'price', min_value: 0, mostly: 0.99 })`.
 */
export function expectation<T extends ExpectationType>(
  type: T,
  parameters: ExpectationParameters[T] & ExpectationOptions,
): TypedExpectation<T> {
  return { type, ...parameters } as unknown as TypedExpectation<T>
}

/** A suite of expectations: what a file in YAML holds, and a dataset commit and the step `validate` take. */
export function suite(
  name: string,
  expectations: readonly TypedExpectation[],
  notes?: string,
): ExpectationSuite {
  return { name, ...(notes !== undefined && { notes }), expectations: [...expectations] }
}
