import { OnnxSession } from './onnx-session.js'

// A process of its own, in which nothing else takes memory meanwhile: prints the bytes that a model keeps.

const [file, columns] = process.argv.slice(2)
const ROWS = 256
const before = process.memoryUsage.rss()
const session = await OnnxSession.load(file!)
// The first run allocates.
await session.predict(new Float32Array(Number(columns) * ROWS), ROWS)
console.log(process.memoryUsage.rss() - before)
