import { join } from 'node:path'

/** A wheel of PyPI that is fetched for the native code inside it: the hashes are of the wheel files. */
export interface WheelPin {
  /** Name of the distribution on PyPI. */
  readonly name: string
  readonly version: string
  /** The Python that pip is told to choose for, since `python3` may be older than what the wheel asks for. */
  readonly pythonVersion: string
  /** `process.arch` -> platform tag and sha256 of the wheel. */
  readonly wheels: Readonly<Record<string, { readonly platform: string; readonly sha256: string }>>
}

/** A training engine: its wheel, and where its library lies inside. */
export interface EnginePin extends WheelPin {
  readonly library: string
}

export type EngineName = 'xgboost'

export const ENGINES: Readonly<Record<EngineName, EnginePin>> = {
  xgboost: {
    name: 'xgboost-cpu',
    version: '3.4.1',
    pythonVersion: '3.13',
    library: 'xgboost/lib/libxgboost.so',
    wheels: {
      x64: {
        platform: 'manylinux_2_28_x86_64',
        sha256: '1f16331f5c6beb2b40fbd4bf2834333062d93c9eb38b76186a5c206841dc1809',
      },
      arm64: {
        platform: 'manylinux_2_28_aarch64',
        sha256: '47b81860b18056f9425b34fe2905343bc7ee0118122ae09cf2e31c305ed49877',
      },
    },
  },
}

/** Directory that the engine's wheel is unpacked into, with the layout its library needs (RPATH). */
export function engineDirectory(cacheDirectory: string, engine: EngineName = 'xgboost'): string {
  const { name, version } = ENGINES[engine]
  return join(cacheDirectory, 'engines', `${name}-${version}`)
}

/** Path of the engine's shared library after `mlforge engines install`; it may not be there yet. */
export function engineLibrary(cacheDirectory: string, engine: EngineName = 'xgboost'): string {
  return join(engineDirectory(cacheDirectory, engine), ENGINES[engine].library)
}
