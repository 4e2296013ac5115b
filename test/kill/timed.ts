import type { Ending } from './kill-bench.js'

/** How something has ended, and when; what it throws is an end too. */
export async function timed(work: () => Promise<Pick<Ending, 'outcome' | 'detail'>>): Promise<Ending> {
  const started = Date.now()
  const end = ({ outcome, detail }: Pick<Ending, 'outcome' | 'detail'>): Ending => ({
    outcome,
    seconds: Math.round((Date.now() - started) / 100) / 10,
    detail,
  })
  try {
    return end(await work())
  } catch (error) {
    return end({ outcome: 'error', detail: error instanceof Error ? error.message : String(error) })
  }
}
