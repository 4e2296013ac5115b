import type { FileEntry } from '../../domain/data/nodes.js'
import { MlforgeError, type Problem } from '../../domain/errors.js'

const LISTED = 20

export function wrongBytes({ path, bytes }: FileEntry, found: string): MlforgeError {
  return invalid(path, `It is said to have ${bytes} bytes, and has ${found}.`)
}

export function wrongTotal(
  { files, bytes }: { readonly files: number; readonly bytes: number },
  found: string,
): MlforgeError {
  return invalid('manifest', `It is said to have ${files} files of ${bytes} bytes, and has ${found}.`)
}

export function wrongSize(chunk: string, said: number, found: number): MlforgeError {
  return invalid('manifest', `Chunk ${chunk} is said to have ${said} bytes, and has ${found}.`)
}

export function chunksMissing(chunks: readonly string[]): MlforgeError {
  const more = chunks.length > 1 ? ` and ${chunks.length - 1} more` : ''
  return new MlforgeError(
    'chunks_missing',
    `Chunk ${chunks[0]}${more} of its files did not come. Push again: what is there is not sent again.`,
    { missing: chunks.slice(0, LISTED), missingCount: chunks.length },
  )
}

export function invalid(at: string, message: string): MlforgeError {
  return allInvalid([{ at, message }])
}

export function allInvalid(problems: readonly Problem[]): MlforgeError {
  const [first] = problems
  return new MlforgeError(
    'version_invalid',
    `These files cannot be a version: ${first!.at}: ${first!.message}`,
    { problems: problems.slice(0, LISTED) },
  )
}
