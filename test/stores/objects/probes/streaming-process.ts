import { peakResidentBytes } from '../../../../inference/peak-memory.js'
import { storeOf, type StoreSpec } from '../support/open-store.js'

const BYTES = 384 * 2 ** 20
const CHUNK = 65_536

/** Writes and reads a large object after a small one, and prints how much the process has grown by it. */
async function* content(bytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes; at += CHUNK) yield new Uint8Array(CHUNK).fill(at / CHUNK)
}

const store = storeOf(JSON.parse(process.argv[2]!) as StoreSpec)
const turn = async (bytes: number): Promise<number> => {
  const { uri } = await store.write('default', content(bytes))
  let read = 0
  for await (const chunk of await store.open(uri)) read += (chunk as Uint8Array).byteLength
  return read
}
// So that code and connections are there already.
await turn(CHUNK)
const before = peakResidentBytes()
const read = await turn(BYTES)
const grownMiB = (peakResidentBytes() - before) / 2 ** 20
process.stdout.write(JSON.stringify({ whole: read === BYTES, grownMiB }))
process.exit(0)
