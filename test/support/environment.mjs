import { TestEnvironment } from 'jest-environment-node'

/** Native add-ons check typed arrays with `instanceof` against the host's constructors. */
export default class HostTypedArrays extends TestEnvironment {
  async setup() {
    await super.setup()
    for (const name of [
      'ArrayBuffer',
      'SharedArrayBuffer',
      'Uint8Array',
      'Int8Array',
      'Uint16Array',
      'Int16Array',
      'Uint32Array',
      'Int32Array',
      'Float32Array',
      'Float64Array',
      'BigInt64Array',
      'BigUint64Array',
    ]) {
      this.global[name] = globalThis[name]
    }
  }
}
