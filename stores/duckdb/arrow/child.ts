import { MlforgeError } from '../../../domain/errors.js'
import { name, text, withDuckDb } from '../duckdb.js'
import { unreadable } from '../parquet-sql.js'
import { confine } from './confine.js'
import type { ArrowMessage } from './protocol.js'
import { ArrowTable } from './table.js'

// A process of its own, whose memory is bounded: makes Parquet of a file of Arrow IPC that nobody has vouched for.

const [file, outFile, directory, parent, megabytes] = process.argv.slice(2)
const TABLE = 'arrow'
const EVERY_MS = 1_000

const say = (message: ArrowMessage): void => void process.stdout.write(`${JSON.stringify(message)}\n`)

async function convert(): Promise<void> {
  const table = await ArrowTable.open(file!)
  const types = [...table.columns.values()]
  const columns = [...table.columns].map(([column, type]) => `${name(column)} ${String(type)}`)
  const options = { threads: 1, memoryLimit: '512MB', temporaryDirectory: directory! }
  await withDuckDb(options, async db => {
    await db.run(`CREATE TABLE ${TABLE} (${columns.join(', ')})`)
    await db.appendChunks(TABLE, types, table.chunks())
    await db.run(`COPY ${TABLE} TO ${text(outFile!)} (FORMAT parquet, COMPRESSION uncompressed)`)
  })
  table.close()
}

confine({ parent: Number(parent), megabytes: Number(megabytes) })
const timer = setInterval(() => say({ event: 'alive' }), EVERY_MS)
try {
  await convert()
  say({ event: 'done' })
} catch (raised) {
  const error = unreadable(raised, 'arrow') ?? raised
  if (error instanceof MlforgeError) {
    say({ event: 'refused', code: error.code, message: error.message, details: error.details })
  } else {
    say({ event: 'failed', message: String(error) })
  }
} finally {
  clearInterval(timer)
}
