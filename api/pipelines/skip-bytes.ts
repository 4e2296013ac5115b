/** What comes after the first bytes of a content. */
export async function* after(content: AsyncIterable<unknown>, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes
  for await (const piece of content) {
    const chunk = piece as Uint8Array
    if (left < chunk.length) yield chunk.subarray(left)
    left = Math.max(0, left - chunk.length)
  }
}
