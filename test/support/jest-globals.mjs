import { ModuleMocker } from 'jest-mock'

/** Where the functions of the file under test are. */
export const GLOBALS = Symbol.for('mlforge.jest-globals')

/** Modules are loaded once for many files: what they imported is that of the file that runs now. */
const current = name =>
  new Proxy(() => undefined, {
    apply: (_, self, args) => Reflect.apply(globalThis[GLOBALS][name], self, args),
    get: (_, key) => globalThis[GLOBALS][name][key],
  })

export const afterAll = current('afterAll')
export const afterEach = current('afterEach')
export const beforeAll = current('beforeAll')
export const beforeEach = current('beforeEach')
export const describe = current('describe')
export const expect = current('expect')
export const it = current('it')
export const jest = new ModuleMocker(globalThis)
