import { constants, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { chmod, copyFile, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type ContentRoot, rootHash } from '../../domain/data/nodes.js'
import { MlforgeError } from '../../domain/errors.js'
import { type IndexEntry, isUntouched } from './index-file.js'
import { LocalNodes, nodeHash } from './local-nodes.js'
import { look } from './walk.js'

/** Where the bytes of a chunk or a file are. */
export interface KeptPlace {
  readonly file: string
  readonly offset: number
}

/**
 * Content of files as they were added, until it is in the store: what is committed can be pushed whatever becomes of
 * the files. Files of one chunk are kept in packs, larger ones as a file each, which costs no room where the file
 * system can share blocks.
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
   * @throws MlforgeError file_changed where it is not as it was read any more
   */
  async keep(file: string, entry: IndexEntry, read?: Uint8Array): Promise<void> {
    const { content } = entry
    if (content === null || this.has(content)) return
    if ('chunk' in content) {
      const bytes = read ?? (await readFile(file))
      if (!read && nodeHash(bytes) !== content.chunk) throw changed(entry.path)
      this.small.keepAs(content.chunk, bytes)
      this.small.flushMuch()
    } else await this.copy(file, entry, content.list)
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

  /** Another process may have written since. */
  refresh(): void {
    this.small.refresh()
  }

  /** Removes what is not needed any more. @param needed content that is nowhere else */
  retain(needed: readonly ContentRoot[]): void {
    if (!existsSync(this.directory)) return
    const lists = new Set(needed.map(rootHash))
    const needsSmall = needed.some(content => 'chunk' in content)
    for (const name of readdirSync(this.directory)) {
      const isNeeded = name.endsWith('.pack') ? needsSmall : lists.has(name)
      if (!isNeeded) rmSync(join(this.directory, name), { force: true })
    }
    this.refresh()
  }

  private has(content: ContentRoot): boolean {
    return 'chunk' in content ? this.small.has(content.chunk) : existsSync(this.fileOf(content.list))
  }

  private async copy(file: string, entry: IndexEntry, list: string): Promise<void> {
    mkdirSync(this.directory, { recursive: true })
    // Hidden: what a kill leaves is removed by the next command.
    const temporary = this.fileOf(`.${list}`)
    await rm(temporary, { force: true })
    await copyFile(file, temporary, constants.COPYFILE_FICLONE)
    const stat = look(dirname(file), basename(file))
    if (stat === null || !isUntouched({ ...entry, isRacy: false }, stat)) throw changed(entry.path)
    await chmod(temporary, 0o444)
    await rename(temporary, this.fileOf(list))
  }

  private fileOf(name: string): string {
    return join(this.directory, name)
  }
}

function changed(path: string): MlforgeError {
  return new MlforgeError('file_changed', `"${path}" has changed while it was added. Add it again.`, {
    file: path,
  })
}
