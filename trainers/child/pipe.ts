import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import koffi from 'koffi'

const pipe2: (ends: [number, number], flags: number) => number = koffi
  .load(null)
  .func('int pipe2(_Out_ int *ends, int flags)')

// asm-generic/fcntl.h
const O_CLOEXEC = 0o2000000

export interface OutputPipe {
  /** For the stdio of a child. */
  readonly fd: number
  /** To be called once the child has it. */
  closeWriter(): void
  readonly reader: Socket
}

/** A pipe of the kernel's. What Node calls one is a socket, and a socket cannot be opened by /dev/stderr. */
export function outputPipe(): OutputPipe {
  const ends: [number, number] = [0, 0]
  if (pipe2(ends, O_CLOEXEC) !== 0) throw new Error('no pipe could be made')
  const [readEnd, fd] = ends
  const reader = new Socket({ fd: readEnd, readable: true, writable: false })
  return { fd, closeWriter: () => closeSync(fd), reader }
}
