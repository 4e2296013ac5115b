import { webcrypto } from 'node:crypto'
import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { FileFact } from '../protocol.js'

/** SHA-256 in hex, computed beside the calling thread. */
async function sha256(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex')
}

/** Writes a file so that it is there whole or not at all, also after a power loss. */
export async function writeDurably(file: string, bytes: Uint8Array): Promise<FileFact> {
  const partial = `${file}.partial`
  const handle = await open(partial, 'w')
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
  return { ...(await settle(partial, file)), bytes: bytes.byteLength, sha256: await sha256(bytes) }
}

/** The same for a file that something else has written under a partial name. */
export async function keepDurably(partial: string, file: string): Promise<FileFact> {
  const handle = await open(partial, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
  const bytes = await readFile(partial)
  return { ...(await settle(partial, file)), bytes: bytes.byteLength, sha256: await sha256(bytes) }
}

async function settle(partial: string, file: string): Promise<{ file: string }> {
  await rename(partial, file)
  const directory = await open(dirname(file), 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
  return { file }
}
