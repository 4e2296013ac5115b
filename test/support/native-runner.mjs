import { createRequire, register } from 'node:module'
import { pathToFileURL } from 'node:url'
import circus from 'jest-circus/runner'
import { GLOBALS } from './jest-globals.mjs'

register('./jest-globals-hook.mjs', import.meta.url)
const require = createRequire(import.meta.url)
let files = 0

/**
 * Runs a test file by Node itself, as the processes of MLForge run: what it imports is loaded once for all files of
 * the process. In Jest's own sandbox each file loads hundreds of modules again, and each use of a global is slow.
 */
export default function runNatively(globalConfig, config, environment, runtime, testPath, sendMessage) {
  const native = Object.create(runtime, {
    // Holds the state of a file, and takes it from nobody.
    requireInternalModule: {
      value: path => {
        delete require.cache[path]
        return require(path)
      },
    },
    setGlobalsForRuntime: { value: globals => (globalThis[GLOBALS] = globals) },
    unstable_shouldLoadAsEsm: { value: () => true },
    // A file that is watched is loaded once more.
    unstable_importModule: { value: path => import(`${pathToFileURL(path)}?run=${++files}`) },
  })
  return circus.default(globalConfig, config, environment, native, testPath, sendMessage)
}
