import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { MlforgeError } from '../../domain/errors.js'
import { said } from './said.js'

const FORMAT = 1

/** A file of it, as JSON with the version of its format; nobody ever sees half of it. */
export function writeState(file: string, value: Readonly<Record<string, unknown>>): void {
  writeWhole(file, Buffer.from(`${JSON.stringify({ format: FORMAT, ...value })}\n`))
}

/** Writes a file whole or not at all, and so that it is still there when the machine has lost its power. */
export function writeWhole(file: string, content: Uint8Array): void {
  const beside = join(dirname(file), `.${basename(file)}-${randomBytes(6).toString('hex')}`)
  try {
    const fd = openSync(beside, 'wx')
    try {
      writeFileSync(fd, content)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(beside, file)
  } catch (error) {
    rmSync(beside, { force: true })
    throw said(error)
  }
  const directory = openSync(dirname(file), 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

/**
 * Reads a file of the state.
 * @returns null where there is none
 * @throws MlforgeError unsupported_format for one of a later version, object_corrupt, forbidden
 */
export function readState<T>(file: string): T | null {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw said(error)
  }
  const value = parsed(text)
  if (typeof value?.format !== 'number') {
    throw new MlforgeError(
      'object_corrupt',
      `"${file}" is no state of a working directory. Get the dataset anew in another directory.`,
    )
  }
  if (value.format !== FORMAT) {
    throw new MlforgeError(
      'unsupported_format',
      `"${file}" is of format version ${value.format}; this release reads version ${FORMAT}. Use a newer release.`,
    )
  }
  return value as T
}

function parsed(text: string): { readonly format?: unknown } | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}
