/** Waits for all of them, so that nothing goes on behind a failure; then the first failure counts. */
export async function all<T extends readonly Promise<unknown>[]>(
  promises: readonly [...T],
): Promise<{ [I in keyof T]: Awaited<T[I]> }> {
  const outcomes = await Promise.allSettled(promises)
  return outcomes.map(outcome => {
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  }) as { [I in keyof T]: Awaited<T[I]> }
}
