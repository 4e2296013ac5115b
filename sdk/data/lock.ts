import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { MlforgeError } from '../../domain/errors.js'

interface Holder {
  readonly pid: number
  /** When the process began, as the system counts it: a pid may come again. Null where that cannot be known. */
  readonly started: string | null
  readonly host: string
  readonly released?: true
}

export interface Lock {
  /** Made when the lock was taken, by the clock of the file system. */
  readonly file: string
  release(): void
}

/**
 * Lets one process at a time write to a working copy. Each holder makes the file of the next number, which but one
 * can make; it is the holder while none has a higher one. The file of the last holder stays, as released, so
 * that no number is ever free again; that of a dead one counts as released.
 * @throws MlforgeError wrong_state while another one has it
 */
export function takeLock(directory: string): Lock {
  mkdirSync(directory, { recursive: true })
  const me: Holder = { pid: process.pid, started: startOf(process.pid), host: hostname() }
  for (;;) {
    const last = numbersIn(directory).at(-1) ?? 0
    const holder = last === 0 ? null : holderOf(join(directory, String(last)))
    if (holder && isAlive(holder)) throw taken(holder, join(directory, String(last)))
    const mine = last + 1
    const file = join(directory, String(mine))
    if (!make(directory, file, me)) continue
    const numbers = numbersIn(directory)
    if (numbers.at(-1) !== mine) {
      // What was seen of the others was old.
      rmSync(file, { force: true })
      continue
    }
    // Those before, and what a process has left that was killed while it tried.
    const left = readdirSync(directory).filter(name => name.startsWith('.'))
    for (const name of [...numbers.slice(0, -1).map(String), ...left]) {
      rmSync(join(directory, name), { force: true })
    }
    return { file, release: () => replace(directory, file, { ...me, released: true }) }
  }
}

function numbersIn(directory: string): number[] {
  return readdirSync(directory)
    .filter(name => /^[0-9]+$/.test(name))
    .map(Number)
    .toSorted((a, b) => a - b)
}

/** @returns false where it is there already, or another one has taken the lock meanwhile */
function make(directory: string, file: string, holder: Holder): boolean {
  const beside = written(directory, holder)
  try {
    linkSync(beside, file)
    return true
  } catch (error) {
    if (['EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  } finally {
    rmSync(beside, { force: true })
  }
}

function replace(directory: string, file: string, holder: Holder): void {
  renameSync(written(directory, holder), file)
}

function written(directory: string, holder: Holder): string {
  const beside = join(directory, `.${randomBytes(6).toString('hex')}`)
  writeFileSync(beside, JSON.stringify(holder), { flag: 'wx' })
  return beside
}

/** Null where it is gone, or holds nothing that can be read, as after a loss of power. */
function holderOf(file: string): Holder | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder
  } catch {
    return null
  }
}

function isAlive({ pid, started, host, released }: Holder): boolean {
  if (released) return false
  // Of another machine nothing is known.
  if (host !== hostname()) return true
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return started === startOf(pid)
}

function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The 22nd field; the second is a name in brackets that may hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}

function taken({ pid, host }: Holder, file: string): MlforgeError {
  const where = host === hostname() ? '' : ` on ${host}`
  return new MlforgeError(
    'wrong_state',
    `Process ${pid}${where} works in this directory. Try again when it is done${where && `, or remove "${file}" when it is not there any more`}.`,
    { pid, host },
  )
}
