import { transformSync } from '@swc/core'

// Two CommonJS dependencies of Fastify `require()` packages that are ES modules only.
export default {
  process(source, filename) {
    return transformSync(source, { filename, module: { type: 'commonjs' }, sourceMaps: 'inline' })
  },
}
