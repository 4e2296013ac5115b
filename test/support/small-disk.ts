import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const FILLING = 'filling'

/** A file system of its own of a few MiB, which can be full. Only who may mount has one: undefined otherwise. */
export class SmallDisk {
  static make(mebibytes: number): SmallDisk | undefined {
    const path = mkdtempSync(join(tmpdir(), 'mlforge-small-disk-'))
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', path])
    if (status === 0) return new SmallDisk(path)
    rmdirSync(path)
    console.warn('No file system can be mounted here, as root could: what a full disk does is NOT tested.')
    return undefined
  }

  private constructor(readonly path: string) {}

  /** Leaves so many blocks of 4 KiB. */
  fill(blocks = 0): void {
    const { bavail, bsize } = statfsSync(this.path)
    writeFileSync(join(this.path, FILLING), Buffer.alloc(bavail * bsize - blocks * 4_096))
  }

  /** Takes back what `fill` has taken. */
  free(): void {
    rmSync(join(this.path, FILLING))
  }

  remove(): void {
    // Also where a process that was killed still has a file open.
    const { status, stderr } = spawnSync('umount', ['-l', this.path])
    if (status !== 0) throw new Error(`${this.path} stays mounted: ${stderr.toString()}`)
    rmdirSync(this.path)
  }
}
