import { existsSync } from 'node:fs'
import { ENGINES, engineDirectory, engineLibrary, type EngineName } from '../../config/engines.js'
import { MlforgeError } from '../../domain/errors.js'
import { installWheel } from './wheels.js'

/** Fetches every training engine that is not in the cache yet. Safe to run at any time, twice at once too. */
export async function installEngines(
  cacheDirectory: string,
  progress: (line: string) => void,
): Promise<void> {
  for (const engine of Object.keys(ENGINES) as EngineName[]) {
    await installWheel(ENGINES[engine], engineDirectory(cacheDirectory, engine), cacheDirectory, progress)
    const library = engineLibrary(cacheDirectory, engine)
    if (!existsSync(library)) {
      throw new MlforgeError(
        'engine_missing',
        `${library} is missing although its directory exists. ` +
          `Remove ${engineDirectory(cacheDirectory, engine)} and run mlforge engines install again.`,
      )
    }
    progress(`${engine} ${ENGINES[engine].version}: ${library}`)
  }
}
