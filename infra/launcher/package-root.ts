import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

function findRoot(directory: string): string {
  if (existsSync(join(directory, 'package.json')) || directory === '/') return directory
  return findRoot(dirname(directory))
}

/** Directory of MLForge's package.json: the checkout or the installed package. */
export const packageRoot = findRoot(dirname(fileURLToPath(import.meta.url)))

/** Directory of the compiled code that this module belongs to. */
export const distRoot = join(packageRoot, 'dist')
