import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { peakResidentBytes } from '../../../../inference/peak-memory.js'
import { Dataset } from '../../../../sdk/index.js'

// Reads a table that is larger than what it may take, splits it, and says how much it took. It closes nothing.

const [, , directory] = process.argv
const file = join(directory!, 'large.parquet')
const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '100MB' })
const connection = await instance.connect()
const noise = Array.from({ length: 8 }, (_, i) => `random() AS x${i}`)
await connection.run(
  `COPY (SELECT i, ${noise.join(', ')} FROM range(4000000) r(i)) TO '${file}' (FORMAT parquet)`,
)
connection.closeSync()
instance.closeSync()

const table = await Dataset.fromParquet(file, { temporaryDirectory: directory! })
let rows = 0
for await (const batch of table.batches({ size: 10_000 })) rows += batch.rows
const { test } = await table.split({ test: 0.2, seed: 1 })
let tests = 0
for await (const batch of test.batches({ columns: ['x1'] })) tests += batch.rows
const peak = peakResidentBytes()
console.log(JSON.stringify({ rows, tests, bytes: statSync(file).size, peak }))
