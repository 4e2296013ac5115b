import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import koffi from 'koffi'

const libc = koffi.load(null)
const prctl: (option: number, value: bigint, a: bigint, b: bigint, c: bigint) => number = libc.func(
  'int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)',
)
const getppid: () => number = libc.func('int getppid()')
const exitNow: (code: number) => never = libc.func('void _exit(int)') as never

// linux/prctl.h
const PR_SET_PDEATHSIG = 1
const SIGKILL = 9n

/**
 * Asks the kernel to kill this process when its parent dies. The parent may have died before the
 * question, hence the look at the parent's pid after it.
 */
export function dieWithParent(parent: number): void {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0n, 0n, 0n)
  if (getppid() !== parent) exitNow(137)
}

/**
 * Starts a thread that blocks on the control pipe and kills the whole process group when the pipe
 * ends: it covers the grandchildren, and whatever took the death signal away.
 *
 * @returns whether the parent has asked to stop, by a byte on the pipe
 */
export async function dieWithControlPipe(fd: number): Promise<() => boolean> {
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const thread = new Worker(new URL('./control-thread.js', import.meta.url), {
    workerData: { fd, stop },
    resourceLimits: { maxOldGenerationSizeMb: 16 },
  })
  thread.unref()
  await once(thread, 'message')
  return () => Atomics.load(stop, 0) === 1
}

/** Ends the process at once. `process.exit` would wait for the thread that blocks on the pipe. */
export function leave(code: number): never {
  return exitNow(code)
}

/**
 * From here on the end of the control pipe alone ends this process: the death signal would kill the leader
 * before its thread could kill the rest of the group.
 */
export function dieWithPipeAlone(): void {
  prctl(PR_SET_PDEATHSIG, 0n, 0n, 0n, 0n)
}
