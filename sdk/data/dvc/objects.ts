import { statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { type DvcConfig, dvcRemoteUrl, isDirectoryUrl } from '../../../domain/data/dvc/config.js'
import type { DvcHash } from '../../../domain/data/dvc/metafiles.js'

/** An object as DVC names it. */
export interface DvcObjectName {
  readonly md5: string
  readonly hash: DvcHash
  /** The remote that it is in beside the cache; null for the default one. */
  readonly remote: string | null
}

/** The objects of a repository: those of its cache, and of remotes that are directories of this machine. */
export class DvcObjects {
  private readonly cache: string

  constructor(
    private readonly root: string,
    private readonly config: DvcConfig,
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
      ...(remote !== null && isDirectoryUrl(remote) ? [this.directoryOf(remote)] : []),
    ]
    for (const place of places) {
      const file = join(place, objectPath(name, suffix))
      const stat = statSync(file, { throwIfNoEntry: false })
      if (stat?.isFile()) return { file, bytes: stat.size }
    }
    return null
  }

  /** Where objects were looked for, for people. */
  lookedIn(name: DvcObjectName): string {
    const remote = this.remoteOf(name)
    if (remote === null) return `the cache "${this.cache}"`
    if (isDirectoryUrl(remote)) return `the cache "${this.cache}" or the remote "${this.directoryOf(remote)}"`
    return `the cache "${this.cache}", and only DVC reads the remote ${remote}`
  }

  private remoteOf({ remote }: DvcObjectName): string | null {
    const name = remote ?? this.config.defaultRemote
    return name === null ? null : dvcRemoteUrl(this.config, name)
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
