import koffi from 'koffi'

const libc = koffi.load(null)
const prctl: (option: number, value: bigint, a: bigint, b: bigint, c: bigint) => number = libc.func(
  'int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)',
)
const getppid: () => number = libc.func('int getppid()')
const setrlimit: (resource: number, limits: bigint[]) => number = libc.func(
  'int setrlimit(int, unsigned long *)',
)

// linux/prctl.h, linux/resource.h
const PR_SET_PDEATHSIG = 1
const SIGKILL = 9n
const RLIMIT_DATA = 2

/**
 * Bounds this process for good: it dies with its parent, and the kernel gives it no more than so much memory
 * of its own, in the heap of JavaScript and outside of it alike.
 */
export function confine({
  parent,
  megabytes,
}: {
  readonly parent: number
  readonly megabytes: number
}): void {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0n, 0n, 0n)
  // It may have died before the question.
  if (getppid() !== parent) process.exit(137)
  const limit = BigInt(megabytes) << 20n
  if (setrlimit(RLIMIT_DATA, [limit, limit]) !== 0) throw new Error('setrlimit has refused a bound of memory')
}
