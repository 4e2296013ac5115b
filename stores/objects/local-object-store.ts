import { randomUUID } from 'node:crypto'
import { access, constants, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { MlforgeError } from '../../domain/errors.js'
import { listDirectory } from './local-listing.js'
import { type NamedFile, namedFiles } from './named-files.js'
import type {
  ListedObject,
  ListOptions,
  ObjectRef,
  ObjectStore,
  RangeOptions,
  WriteOptions,
} from './object-store.js'
import { assertName, isOurs, kindPrefix, type ObjectKind, objectUri, sha256OfUri } from './object-uri.js'
import { assertRange, assertPage } from './bounds.js'
import { assertWritable, receive } from './receive.js'
import { objectCorrupt, objectMissing, tooShort, verified } from './verified.js'

const DAY = 86_400_000
const READ_BYTES = 1 << 20

/**
 * Objects as files below one directory. Content is written to `.tmp` beside them (the same file
 * system), flushed and renamed, so that a killed writer leaves at most a file nobody looks at.
 */
export class LocalObjectStore implements ObjectStore {
  private readonly root: string
  private readonly temporary: string

  constructor(directory: string) {
    this.root = resolve(directory)
    this.temporary = join(this.root, '.tmp')
  }

  async write(
    project: string,
    content: AsyncIterable<Uint8Array> | Uint8Array,
    options: WriteOptions = {},
  ): Promise<ObjectRef> {
    assertWritable(project, options)
    await mkdir(this.temporary, { recursive: true })
    const temporary = join(this.temporary, randomUUID())
    try {
      const { sha256, bytes } = await this.receive(temporary, content, options)
      const uri = objectUri(project, sha256, options.kind)
      const path = this.pathOf(uri)
      await this.makeDirectory(dirname(path))
      // Replaces an equal object; where the old one had rotted, this heals it.
      await rename(temporary, path)
      await syncDirectory(dirname(path))
      return { uri, sha256, bytes }
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  }

  async open(uri: string, options: { signal?: AbortSignal } = {}): Promise<Readable> {
    options.signal?.throwIfAborted()
    const file = await this.openFile(uri)
    const bytes = file.createReadStream({ highWaterMark: READ_BYTES })
    return verified(bytes, uri, sha256OfUri(uri), options.signal)
  }

  async range(
    uri: string,
    offset: number,
    bytes: number,
    { signal, into }: RangeOptions = {},
  ): Promise<Uint8Array> {
    assertRange(offset, bytes)
    signal?.throwIfAborted()
    const file = await this.openFile(uri)
    try {
      // Looked at first: what a damaged index asks for is not allocated.
      const { size } = await file.stat()
      if (offset + bytes > size) throw tooShort(uri, offset + bytes, size)
      const content = into ?? new Uint8Array(bytes)
      for (let at = 0; at < bytes;) {
        const { bytesRead } = await file.read(content, at, bytes - at, offset + at)
        signal?.throwIfAborted()
        if (bytesRead === 0) throw tooShort(uri, offset + bytes, offset + at)
        at += bytesRead
      }
      return content
    } finally {
      await file.close()
    }
  }

  async size(uri: string): Promise<number | null> {
    try {
      const found = await stat(this.pathOf(uri))
      return found.isFile() ? found.size : null
    } catch (error) {
      if (isCode(error, 'ENOENT')) return null
      throw error
    }
  }

  async checksum(uri: string): Promise<{ bytes: number; sha256: string | null } | null> {
    const bytes = await this.size(uri)
    // Nothing gets its name here but what was hashed while it was received.
    return bytes === null ? null : { bytes, sha256: sha256OfUri(uri) }
  }

  async list(project: string, kind: ObjectKind, options: ListOptions): Promise<ListedObject[]> {
    assertPage(options)
    return listDirectory(this.root, kindPrefix(project, kind), options)
  }

  async presignPut(uri: string): Promise<null> {
    sha256OfUri(uri)
    return null
  }

  async presignGet(uri: string): Promise<null> {
    sha256OfUri(uri)
    return null
  }

  async toFile(uri: string, _directory: string): Promise<string> {
    for await (const chunk of await this.open(uri)) void chunk
    return this.pathOf(uri)
  }

  async remove(uri: string): Promise<void> {
    await rm(this.pathOf(uri), { force: true })
  }

  async named(project: string, prefix: string, limit: number): Promise<NamedFile[]> {
    const path = assertName(project, prefix)
    const below = prefix.includes('/') ? prefix.slice(0, prefix.lastIndexOf('/') + 1) : ''
    const directory = prefix === below ? path : dirname(path)
    const isWanted = (name: string) => `${below}${name}`.startsWith(prefix) && !isOurs(`${below}${name}`)
    try {
      const found = await namedFiles(join(this.root, directory), { deep: true, isWanted, limit })
      return found.map(file => ({ ...file, name: `${below}${file.name}` }))
    } catch (error) {
      if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return []
      throw error
    }
  }

  async adopt(project: string, name: string): Promise<ObjectRef> {
    const path = join(this.root, assertName(project, name))
    let file: FileHandle
    try {
      file = await open(path, 'r')
    } catch (error) {
      if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) throw objectMissing(`${project}/${name}`)
      throw error
    }
    try {
      return await this.write(project, file.createReadStream({ highWaterMark: READ_BYTES, autoClose: false }))
    } finally {
      await file.close()
    }
  }

  async removeStale(now: number): Promise<number> {
    let removed = 0
    for (const name of await readdir(this.temporary).catch(() => [])) {
      const path = join(this.temporary, name)
      const found = await stat(path).catch(() => null)
      if (found === null || now - found.mtimeMs < DAY) continue
      await rm(path, { force: true })
      removed++
    }
    return removed
  }

  async assertUsable(): Promise<void> {
    await mkdir(this.root, { recursive: true })
    await access(this.root, constants.R_OK | constants.W_OK)
  }

  private async receive(
    temporary: string,
    content: AsyncIterable<Uint8Array> | Uint8Array,
    options: WriteOptions,
  ): Promise<{ sha256: string; bytes: number }> {
    const file = await open(temporary, 'wx', 0o600)
    try {
      const received = await receive(file, content, options)
      await file.sync()
      await file.chmod(0o444)
      return received
    } finally {
      await file.close()
    }
  }

  private async openFile(uri: string): Promise<FileHandle> {
    const path = this.pathOf(uri)
    let file: FileHandle
    try {
      file = await open(path, 'r')
    } catch (error) {
      if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) throw objectMissing(uri)
      throw new MlforgeError('unavailable', `Object ${uri} cannot be read: ${(error as Error).message}.`, {
        uri,
      })
    }
    if ((await file.stat()).isFile()) return file
    await file.close()
    throw objectCorrupt(uri, 'it is not a file')
  }

  private pathOf(uri: string): string {
    sha256OfUri(uri)
    return join(this.root, uri)
  }

  /** A new directory survives a power loss only when its parent was flushed too. */
  private async makeDirectory(path: string): Promise<void> {
    const first = await mkdir(path, { recursive: true })
    if (first === undefined) return
    for (let at = path; at !== this.root; at = dirname(at)) await syncDirectory(dirname(at))
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code
}
