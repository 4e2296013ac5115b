import { access, constants, mkdir } from 'node:fs/promises'

/** Resolves when objects can be written below the directory. */
export async function objectsWritable(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  await access(directory, constants.R_OK | constants.W_OK)
}
