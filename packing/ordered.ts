/**
 * Works on items side by side, and gives the results in the order of the items.
 * @param most results that are there or in work at once, with the one that the reader has
 * @param stop called when nothing more is wanted: by an error, or as the reader has gone
 */
export async function* ordered<T, R>(
  items: AsyncIterable<T> | Iterable<T>,
  most: number,
  work: (item: T) => Promise<R>,
  stop: () => void,
): AsyncGenerator<R> {
  const ahead: Promise<R>[] = []
  try {
    for await (const item of items) {
      const result = work(item)
      // One that fails is heard of in its turn.
      result.catch(() => undefined)
      ahead.push(result)
      if (ahead.length >= most) yield await ahead.shift()!
    }
    while (ahead.length > 0) yield await ahead.shift()!
  } finally {
    stop()
    await Promise.allSettled(ahead)
  }
}
