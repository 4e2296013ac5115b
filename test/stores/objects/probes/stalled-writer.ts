import { storeOf, type StoreSpec } from '../support/open-store.js'

// Run as a process of its own by the conformance suite, which kills it: argument 1 is the store.
async function* half(): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < 64; i++) yield new Uint8Array(65_536).fill(i)
  process.stdout.write('half\n')
  setInterval(() => undefined, 1000)
  await new Promise(() => undefined)
}

await storeOf(JSON.parse(process.argv[2]!) as StoreSpec).write('default', half())
