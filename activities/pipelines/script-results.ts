import { constants } from 'node:fs'
import { lstat, open, readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Json } from '../../domain/canonical-json.js'
import { MlforgeError } from '../../domain/errors.js'
import { storableJson } from '../../domain/storable.js'
import type { FileValue } from '../../domain/pipelines/values.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'

const MAX_OUTPUT_BYTES = 1 << 20
const MAX_FILES = 1000
/** A script may have put a link or a pipe there since we have looked. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * The object that a script has written as its outputs; empty where it has written none.
 * @throws MlforgeError script_failed
 */
export async function readOutputs(file: string): Promise<Record<string, Json>> {
  const found = await lstat(file).catch(() => undefined)
  if (found === undefined) return {}
  if (!found.isFile()) throw badOutputs('is no regular file')
  if (found.size > MAX_OUTPUT_BYTES) {
    throw badOutputs(
      `holds ${found.size} bytes, at most ${MAX_OUTPUT_BYTES} are taken: leave large results in $MLFORGE_FILES`,
    )
  }
  const handle = await open(file, READ)
  let text: string
  try {
    text = await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
  const outputs = parsed(text)
  if (typeof outputs !== 'object' || outputs === null || Array.isArray(outputs)) {
    throw badOutputs('holds no JSON object')
  }
  return storableJson(outputs) as Record<string, Json>
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch (error) {
    throw badOutputs(`is no JSON (${(error as Error).message})`)
  }
}

function badOutputs(why: string): MlforgeError {
  return new MlforgeError('script_failed', `What the command has written to $MLFORGE_OUTPUTS ${why}.`)
}

/**
 * Stores the regular files below a directory, by their paths in it; links are not followed, and left out.
 * @throws MlforgeError script_failed for more than 1,000
 */
export async function storeFiles(
  { objects, project, signal }: { objects: ObjectStore; project: string; signal: AbortSignal },
  directory: string,
  log: (line: string) => void,
): Promise<Record<string, FileValue>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const found = entries
    .filter(entry => !entry.isDirectory())
    .map(entry => ({ name: relative(directory, join(entry.parentPath, entry.name)), isFile: entry.isFile() }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const names = found.filter(({ isFile }) => isFile).map(({ name }) => name)
  if (names.length > MAX_FILES) {
    throw new MlforgeError(
      'script_failed',
      `The command has left ${names.length} files in $MLFORGE_FILES, at most ${MAX_FILES} are kept. Put them into one archive.`,
    )
  }
  for (const { name, isFile } of found) if (!isFile) log(`${name} is no regular file and was left out`)
  const files: [string, FileValue][] = []
  for (const name of names) {
    const handle = await open(join(directory, name), READ)
    const content = handle.createReadStream()
    const { uri, sha256, bytes } = await objects.write(project, content, { signal })
    files.push([name, { kind: 'file', name, uri, sha256, bytes }])
  }
  return Object.fromEntries(files)
}
