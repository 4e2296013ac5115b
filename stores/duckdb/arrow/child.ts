import { MlforgeError } from '../../../domain/errors.js'
import { confine } from './confine.js'
import { convertArrow } from './convert.js'
import type { ArrowMessage } from './protocol.js'

// A process of its own, whose memory is bounded: makes Parquet of a file of Arrow IPC that nobody has vouched for.

const [file, outFile, directory, parent, megabytes] = process.argv.slice(2)
const EVERY_MS = 1_000

const say = (message: ArrowMessage): void => void process.stdout.write(`${JSON.stringify(message)}\n`)

confine({ parent: Number(parent), megabytes: Number(megabytes) })
const timer = setInterval(() => say({ event: 'alive' }), EVERY_MS)
try {
  await convertArrow(file!, outFile!, directory!)
  say({ event: 'done' })
} catch (error) {
  if (error instanceof MlforgeError) {
    say({ event: 'refused', code: error.code, message: error.message, details: error.details })
  } else {
    say({ event: 'failed', message: String(error) })
  }
} finally {
  clearInterval(timer)
}
