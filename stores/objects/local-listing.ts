import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ListedObject, ListOptions } from './object-store.js'
import { parseObjectUri } from './object-uri.js'

/** One page of the objects below `<root>/<prefix>`, directory by directory, so that no more names are held. */
export async function listDirectory(
  root: string,
  prefix: string,
  { after = '', limit }: ListOptions,
): Promise<ListedObject[]> {
  const found: ListedObject[] = []
  for (const two of await namesIn(join(root, prefix))) {
    // Whole directories that lie before the page are not read.
    if (`${prefix}${two}/~` < after) continue
    for (const name of await namesIn(join(root, prefix, two))) {
      const uri = `${prefix}${two}/${name}`
      if (uri <= after || parseObjectUri(uri) === null) continue
      if (found.length >= limit) return found
      const file = await stat(join(root, uri)).catch(() => null)
      // Gone since it was listed.
      if (file?.isFile() !== true) continue
      found.push({ uri, bytes: file.size, modifiedMs: file.mtimeMs })
    }
  }
  return found
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  }
}
