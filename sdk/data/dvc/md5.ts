import { createHash, type Hash } from 'node:crypto'
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { setImmediate as breathe } from 'node:timers/promises'
import type { DvcHash } from '../../../domain/data/dvc/metafiles.js'
import { dos2unix, isDvcText } from '../../../domain/data/dvc/text.js'

/** DVC reads in such blocks, and says of each whether it is text. */
const BLOCK_BYTES = 1024 * 1024

export interface HashOptions {
  readonly signal?: AbortSignal | undefined
  /** Gets the bytes of each block that was read. */
  readonly onRead?: (bytes: number) => void
}

/**
 * Reads a file and hashes it in the ways that DVC may have.
 * @param to where it is copied to, which is made with this mode
 */
export async function md5sOf(
  file: string,
  hash: DvcHash,
  {
    signal,
    onRead,
    to,
  }: HashOptions & { readonly to?: { readonly file: string; readonly mode: number } } = {},
): Promise<{ readonly md5s: readonly string[]; readonly bytes: number }> {
  const from = openSync(file, 'r')
  let into: number | null = null
  try {
    into = to === undefined ? null : openSync(to.file, 'wx', to.mode)
    const hashes = hash === 'md5' ? [plainHash()] : [textHash('block'), textHash('file')]
    const block = new Uint8Array(BLOCK_BYTES)
    let bytes = 0
    for (let read = fill(from, block); read > 0; read = fill(from, block)) {
      signal?.throwIfAborted()
      const content = block.subarray(0, read)
      for (const each of hashes) each.update(content)
      if (into !== null) for (let done = 0; done < read;) done += writeSync(into, content, done, read - done)
      bytes += read
      onRead?.(read)
      await breathe()
    }
    return { md5s: hashes.map(each => each.digest()), bytes }
  } finally {
    closeSync(from)
    if (into !== null) closeSync(into)
  }
}

interface Hashing {
  update(content: Uint8Array): void
  digest(): string
}

function plainHash(): Hashing {
  const hash: Hash = createHash('md5')
  return { update: content => void hash.update(content), digest: () => hash.digest('hex') }
}

/** Whether it is text was asked of the whole file once, and of each block later: releases of DVC 2 differ. */
function textHash(askedOf: 'block' | 'file'): Hashing {
  const hash = createHash('md5')
  let isText: boolean | null = null
  return {
    update(content) {
      if (isText === null || askedOf === 'block') isText = isDvcText(content)
      hash.update(isText ? dos2unix(content) : content)
    },
    digest: () => hash.digest('hex'),
  }
}

/** Reads on until a block is full or the file ends, so that blocks are those of DVC. */
function fill(fd: number, block: Uint8Array): number {
  let length = 0
  while (length < block.length) {
    const read = readSync(fd, block, length, block.length - length, null)
    if (read === 0) break
    length += read
  }
  return length
}
