import { LocalObjectStore } from '../../../stores/objects/local-object-store.js'

// Run as a process of its own by the conformance suite, which kills it: argument 1 is the directory.
async function* half(): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < 64; i++) yield new Uint8Array(65_536).fill(i)
  process.stdout.write('half\n')
  setInterval(() => undefined, 1000)
  await new Promise(() => undefined)
}

await new LocalObjectStore(process.argv[2]!).write('default', half())
