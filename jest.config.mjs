// Tests run on the compiled output: the tested bytes are the shipped bytes, and source maps
// lead stack traces back to the .ts files.
import { supportsStaticESM } from './test/support/static-esm.mjs'

export default {
  rootDir: 'dist',
  globalSetup: '<rootDir>/test/support/global-setup.js',
  globalTeardown: '<rootDir>/test/support/global-teardown.js',
  testMatch: ['<rootDir>/**/*.test.js'],
  testEnvironment: '<rootDir>/../test/support/environment.mjs',
  transform: supportsStaticESM
    ? {}
    : {
        'node_modules/(cookie|content-disposition)/.+\\.m?js$':
          '<rootDir>/../test/support/esm-to-commonjs.mjs',
      },
  transformIgnorePatterns: [],
  testSequencer: '<rootDir>/../test/support/longest-first.mjs',
  testTimeout: 60_000,
  maxWorkers: 2,
}
