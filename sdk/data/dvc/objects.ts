import { statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import {
  type DvcConfig,
  type DvcRemote,
  dvcRemote,
  isDirectoryUrl,
  withoutCredentials,
} from '../../../domain/data/dvc/config.js'
import type { DvcHash } from '../../../domain/data/dvc/metafiles.js'

/** An object as DVC names it. */
export interface DvcObjectName {
  readonly md5: string
  readonly hash: DvcHash
  /** The remote that it is in beside the cache; null for the default one. */
  readonly remote: string | null
}

/** Where the bytes of an object go: a file that is not there yet, and its mode. */
export interface DvcTarget {
  readonly file: string
  readonly mode: number
}

/** Reads the objects of a remote that is no directory. */
export interface DvcRemoteReader {
  /**
   * Writes an object into a file.
   * @param path of the object below the url of the remote
   * @returns false where there is no such object
   * @throws MlforgeError unavailable
   */
  fetch(path: string, target: DvcTarget, signal?: AbortSignal): Promise<boolean>
}

/** Opens a remote; null where it is of a kind that it does not read. */
export type OpenDvcRemote = (remote: DvcRemote) => Promise<DvcRemoteReader | null>

/** The objects of a repository: those of its cache, and of remotes, be they directories or what is opened. */
export class DvcObjects {
  private readonly cache: string
  private readonly readers = new Map<string, Promise<DvcRemoteReader | null>>()

  constructor(
    private readonly root: string,
    private readonly config: DvcConfig,
    private readonly openRemote: OpenDvcRemote = () => Promise.resolve(null),
  ) {
    this.cache = this.directoryOf(config.cacheDirectory ?? 'cache')
  }

  /**
   * The file of an object; null where it is not here.
   * @param suffix `.dir` for the list of a directory
   */
  find(
    name: DvcObjectName,
    suffix: '' | '.dir' = '',
  ): { readonly file: string; readonly bytes: number } | null {
    const remote = this.remoteOf(name)
    const places = [
      this.cache,
      ...(remote !== null && isDirectoryUrl(remote.url) ? [this.directoryOf(remote.url)] : []),
    ]
    for (const place of places) {
      const file = join(place, objectPath(name, suffix))
      const stat = statSync(file, { throwIfNoEntry: false })
      if (stat?.isFile()) return { file, bytes: stat.size }
    }
    return null
  }

  /** Writes an object that is in no directory into a file. @returns false where it is nowhere */
  async fetch(
    name: DvcObjectName,
    suffix: '' | '.dir',
    target: DvcTarget,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const reader = await this.readerOf(name)
    return (await reader?.fetch(objectPath(name, suffix), target, signal)) ?? false
  }

  /** Where objects were looked for, for people. */
  async lookedIn(name: DvcObjectName): Promise<string> {
    const remote = this.remoteOf(name)
    if (remote === null) return `the cache "${this.cache}"`
    const { url } = remote
    if (isDirectoryUrl(url)) return `the cache "${this.cache}" or the remote "${this.directoryOf(url)}"`
    const shown = withoutCredentials(url)
    return (await this.readerOf(name)) === null
      ? `the cache "${this.cache}", and only DVC reads the remote ${shown}`
      : `the cache "${this.cache}" or the remote ${shown}`
  }

  private async readerOf(name: DvcObjectName): Promise<DvcRemoteReader | null> {
    const remote = this.remoteOf(name)
    if (remote === null || isDirectoryUrl(remote.url)) return null
    // Two of one url may have other keys.
    const key = name.remote ?? this.config.defaultRemote!
    const opened = this.readers.get(key) ?? this.openRemote(remote)
    this.readers.set(key, opened)
    return opened
  }

  private remoteOf({ remote }: DvcObjectName): DvcRemote | null {
    const name = remote ?? this.config.defaultRemote
    return name === null ? null : dvcRemote(this.config, name)
  }

  private directoryOf(path: string): string {
    return resolve(this.root, '.dvc', path.replace(/^~(?=\/|$)/, homedir()))
  }
}

/** Where an object is in a cache or a remote: since DVC 3, and before it. */
export function objectPath({ md5, hash }: Pick<DvcObjectName, 'md5' | 'hash'>, suffix = ''): string {
  const below = join(md5.slice(0, 2), md5.slice(2) + suffix)
  return hash === 'md5' ? join('files', 'md5', below) : below
}
