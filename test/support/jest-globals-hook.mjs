/** Outside Jest's sandbox `@jest/globals` only throws. */
export function resolve(specifier, context, next) {
  return specifier === '@jest/globals'
    ? { url: new URL('./jest-globals.mjs', import.meta.url).href, shortCircuit: true }
    : next(specifier, context)
}
