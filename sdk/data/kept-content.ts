import { constants, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { chmod, copyFile, open, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type ChunkEntry, type ContentRoot, rootHash } from '../../domain/data/nodes.js'
import { MlforgeError } from '../../domain/errors.js'
import { type IndexEntry, isUntouched } from './index-file.js'
import { LocalNodes, nodeHash } from './local-nodes.js'
import { look } from './walk.js'

/** Where the bytes of a chunk or a file are. */
export interface KeptPlace {
  readonly file: string
  readonly offset: number
}

/** What a larger file is made of, and what of that the store has already. */
export interface LargeContent {
  chunks(): AsyncIterable<ChunkEntry>
  stored(): Promise<ReadonlySet<string>>
}

/** Where so much of a file is in the store already, only the rest is kept. */
const STORED_SHARE = 0.5

/**
 * Content of files as they were added, until it is in the store: what is committed can be pushed whatever becomes of
 * the files. Files of one chunk are kept in packs, larger ones as a file each, which costs no room where the file
 * system can share blocks. Where it cannot, chunks of a larger one are kept instead if the version that it has changed
 * from has the others.
 */
export class KeptContent {
  private readonly small: LocalNodes

  constructor(private readonly directory: string) {
    this.small = new LocalNodes(directory)
  }

  /**
   * Takes the content of a file, which is safe once `flush` has returned.
   * @param entry what is known of the file since it was read
   * @param read its bytes, where it is one chunk
   * @param large asked where it is more than one
   * @throws MlforgeError file_changed where it is not as it was read any more
   */
  async keep(file: string, entry: IndexEntry, read?: Uint8Array, large?: LargeContent): Promise<void> {
    const { content } = entry
    if (content === null || this.has(content)) return
    if ('chunk' in content) {
      const bytes = read ?? (await readFile(file))
      if (!read && nodeHash(bytes) !== content.chunk) throw changed(entry.path)
      this.small.keepAs(content.chunk, bytes)
      this.small.flushMuch()
    } else if (!(await this.clone(file, entry, content.list))) {
      const missing = large && (await missingFrom(entry, large))
      if (missing) await this.keepChunks(file, entry, missing)
      else await this.copy(file, entry, content.list, 0)
    }
  }

  flush(): void {
    this.small.flush()
  }

  /** Null where it is not kept. */
  find(content: ContentRoot): KeptPlace | null {
    if ('chunk' in content) return this.small.placeOf(content.chunk)
    const file = this.fileOf(content.list)
    return existsSync(file) ? { file, offset: 0 } : null
  }

  /** Where a chunk is that was kept alone; null for any other. */
  findChunk(sha256: string): KeptPlace | null {
    return this.small.placeOf(sha256)
  }

  /** Another process may have written since. */
  refresh(): void {
    this.small.refresh()
  }

  /** Removes what is not needed any more. @param needed content that is nowhere else */
  retain(needed: readonly ContentRoot[]): void {
    if (!existsSync(this.directory)) return
    const lists = new Set(needed.map(rootHash))
    const needsSmall = needed.some(content => 'chunk' in content || !this.has(content))
    for (const name of readdirSync(this.directory)) {
      const isNeeded = name.endsWith('.pack') ? needsSmall : lists.has(name)
      if (!isNeeded) rmSync(join(this.directory, name), { force: true })
    }
    this.refresh()
  }

  private has(content: ContentRoot): boolean {
    return 'chunk' in content ? this.small.has(content.chunk) : existsSync(this.fileOf(content.list))
  }

  /** False where the file system cannot share blocks. */
  private async clone(file: string, entry: IndexEntry, list: string): Promise<boolean> {
    try {
      await this.copy(file, entry, list, constants.COPYFILE_FICLONE_FORCE)
      return true
    } catch (error) {
      // What else the file system may have against it a copy will say.
      if (error instanceof MlforgeError) throw error
      return false
    }
  }

  private async copy(file: string, entry: IndexEntry, list: string, mode: number): Promise<void> {
    mkdirSync(this.directory, { recursive: true })
    // Hidden: what a kill leaves is removed by the next command.
    const temporary = this.fileOf(`.${list}`)
    await rm(temporary, { force: true })
    await copyFile(file, temporary, mode)
    assertUntouched(file, entry)
    await chmod(temporary, 0o444)
    await rename(temporary, this.fileOf(list))
  }

  private async keepChunks(file: string, entry: IndexEntry, missing: readonly Located[]): Promise<void> {
    const handle = await open(file, 'r')
    try {
      for (const { chunk, bytes, offset } of missing) {
        const content = new Uint8Array(bytes)
        await handle.read(content, 0, bytes, offset)
        if (nodeHash(content) !== chunk) throw changed(entry.path)
        this.small.keepAs(chunk, content)
        this.small.flushMuch()
      }
    } finally {
      await handle.close()
    }
  }

  private fileOf(name: string): string {
    return join(this.directory, name)
  }
}

type Located = ChunkEntry & { readonly offset: number }

/** Chunks of a file that the store does not have; null where it has few of them. */
async function missingFrom(
  { bytes }: IndexEntry,
  { chunks, stored }: LargeContent,
): Promise<readonly Located[] | null> {
  const known = await stored()
  if (known.size === 0) return null
  const missing: Located[] = []
  let offset = 0
  let left = bytes * (1 - STORED_SHARE)
  for await (const entry of chunks()) {
    if (!known.has(entry.chunk)) {
      missing.push({ ...entry, offset })
      left -= entry.bytes
      if (left < 0) return null
    }
    offset += entry.bytes
  }
  return missing
}

function assertUntouched(file: string, entry: IndexEntry): void {
  const stat = look(dirname(file), basename(file))
  if (stat === null || !isUntouched({ ...entry, isRacy: false }, stat)) throw changed(entry.path)
}

function changed(path: string): MlforgeError {
  return new MlforgeError('file_changed', `"${path}" has changed while it was added. Add it again.`, {
    file: path,
  })
}
