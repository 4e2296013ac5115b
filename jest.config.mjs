// Tests run on the compiled output: the tested bytes are the shipped bytes, and source maps
// lead stack traces back to the .ts files.
export default {
  rootDir: 'dist',
  globalSetup: '<rootDir>/test/support/global-setup.js',
  globalTeardown: '<rootDir>/test/support/global-teardown.js',
  testMatch: ['<rootDir>/**/*.test.js'],
  transform: {},
  testRunner: '<rootDir>/../test/support/native-runner.mjs',
  testSequencer: '<rootDir>/../test/support/longest-first.mjs',
  // Ends what hangs. What is merely slow, on a busy machine, is no failure.
  testTimeout: 900_000,
  maxWorkers: 2,
  // What files leave behind adds up.
  workerIdleMemoryLimit: '1GB',
}
