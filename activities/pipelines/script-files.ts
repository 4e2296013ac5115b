import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, mkdir, realpath, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { canonicalJson, type Json } from '../../domain/canonical-json.js'
import { MlforgeError, type Problem } from '../../domain/errors.js'
import { sha256Hex } from '../../stores/ids.js'

interface ProjectFile {
  /** As it is declared. */
  readonly path: string
  /** Where its content is, links followed. */
  readonly file: string
}

/**
 * Names what a script does, beside its inputs: SHA-256 of the command and of the declared files' content.
 * Null where no files are declared: then it may depend on anything.
 * @throws MlforgeError script_invalid for files that are not there
 */
export async function scriptIdentity(
  inputs: Readonly<Record<string, Json>>,
  projectDirectory: string,
): Promise<string | null> {
  const { command, files } = inputs as { command: readonly string[]; files?: readonly string[] }
  if (files === undefined) return null
  const found = await projectFiles(projectDirectory, files)
  const contents: [path: string, sha256: string][] = []
  for (const { path, file } of found) contents.push([path, await contentHash(file)])
  return sha256Hex(canonicalJson({ command, files: Object.fromEntries(contents) }))
}

/** Copies declared files of the project, with their modes, to where a script sees nothing else. */
export async function copyProjectFiles(
  projectDirectory: string,
  files: readonly string[],
  directory: string,
): Promise<void> {
  for (const { path, file } of await projectFiles(projectDirectory, files)) {
    const copy = join(directory, path)
    await mkdir(dirname(copy), { recursive: true })
    await copyFile(file, copy)
  }
}

async function projectFiles(projectDirectory: string, files: readonly string[]): Promise<ProjectFile[]> {
  const root = await projectRoot(projectDirectory)
  const found = await Promise.all([...new Set(files)].map(path => projectFile(root, path)))
  const problems = found.filter(one => 'message' in one)
  if (problems.length > 0) {
    const [first] = problems
    throw new MlforgeError(
      'script_invalid',
      `The script cannot run: ${first!.at}: ${first!.message} Correct "files" of the step.`,
      { problems },
    )
  }
  return found as ProjectFile[]
}

/** @throws MlforgeError script_invalid */
export async function projectRoot(projectDirectory: string): Promise<string> {
  const root = await realpath(projectDirectory).catch(() => undefined)
  if (root !== undefined && (await stat(root)).isDirectory()) return root
  throw new MlforgeError(
    'script_invalid',
    `There is no project directory ${projectDirectory} on this worker. Scripts run where the project's files are.`,
  )
}

async function projectFile(root: string, path: string): Promise<ProjectFile | Problem> {
  const problem = (message: string): Problem => ({ at: `files: ${path}`, message })
  const parts = path.split('/')
  if (path === '' || path.includes('\0') || isAbsolute(path) || parts.includes('..')) {
    return problem('It must be a path within the project, without "..".')
  }
  const file = await realpath(join(root, path)).catch(() => undefined)
  if (file === undefined) return problem('There is no such file in the project.')
  if (!file.startsWith(root.endsWith(sep) ? root : root + sep))
    return problem('It is a link out of the project.')
  if (!(await stat(file)).isFile()) return problem('It is no file. Name each file of a directory.')
  return { path: parts.filter(part => part !== '' && part !== '.').join('/'), file }
}

async function contentHash(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}
