import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ending } from '../../test/kill/kill-bench.js'
import { KillStack } from '../../test/kill/stack.js'
import type { SoakResults } from './results.js'

/** What cases are done on. */
export interface SoakBench {
  readonly stack: KillStack
  stop(): Promise<void>
}

/** How the cases of a suite are done, one after the other. */
export interface SoakWork<C, R extends Ending, B extends SoakBench> {
  readonly cases: readonly C[]
  readonly results: SoakResults<R>
  readonly keyOf: (of: C) => string
  /** So many on one stack, each checked, before the next stack is started. */
  readonly perStack: number
  /** @param cases those that will be done on it */
  readonly start: (cases: readonly C[]) => Promise<B>
  readonly run: (bench: B, of: C, index: number) => Promise<R>
  readonly line: (result: R) => string
  /** Names the directory of the logs of a case that did not end equal. */
  readonly logs: (result: R) => string
}

/** Does what is not known from before for this tree. @returns whether all cases have ended equal */
export async function soakCases<C, R extends Ending, B extends SoakBench>({
  cases,
  results,
  keyOf,
  perStack,
  start,
  run,
  line,
  logs,
}: SoakWork<C, R, B>): Promise<boolean> {
  const left = cases.filter(each => !results.has(keyOf(each)))
  console.log(`${cases.length} cases, ${cases.length - left.length} of them known from before for this tree`)
  const isStopped = stopOnSignals()
  let bench: B | undefined
  let served = 0
  try {
    for (const [index, each] of left.entries()) {
      bench ??= await start(left.slice(index, index + perStack))
      const result = await run(bench, each, index)
      // What was under way when everything was stopped says nothing.
      if (isStopped()) return await new Promise<never>(() => undefined)
      results.add(result)
      console.log(line(result))
      const isGood = result.outcome === 'equal'
      if (!isGood) {
        const directory = join(tmpdir(), logs(result))
        await bench.stack.saveLogs(directory)
        console.log(`          logs in ${directory}`)
      }
      if (++served % perStack === 0 || !isGood) {
        await bench.stop()
        bench = undefined
      }
    }
  } finally {
    await KillStack.stopAll()
  }
  const mine = cases.flatMap(each => results.get(keyOf(each)) ?? [])
  const bad = mine.filter(({ outcome }) => outcome !== 'equal')
  console.log(`${mine.length - bad.length} equal, ${bad.length} not; ${results.file}`)
  return mine.length === cases.length && bad.length === 0
}

/** Stops all stacks and ends the process when it is told to. @returns whether it was */
function stopOnSignals(): () => boolean {
  let isStopped = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      isStopped = true
      console.log(`\n${signal}: stopping the stack`)
      void KillStack.stopAll().finally(() => process.exit(130))
    })
  }
  return () => isStopped
}
