// Cutting and packing a dataset: one large file, and many small ones, from the page cache; noise, which is stored
// as it is, and CSV, which is compressed. Against plain SHA-256 of the same bytes on one thread in the same run.
// `node dist/bench/packing.js [--share=n]`: two sizes (an eighth of all, and all), or the one given.
import { hash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Piece, ScannedFile } from '../packing/messages.js'
import { Packing } from '../packing/packing.js'
import { median, report, type Row } from './report.js'

const LARGE_BYTES = 256 * 1024 * 1024
const SMALL_FILES = 5_000
const SMALL_BYTES = 4 * 1024
const ROUNDS = 5

const { values } = parseArgs({ options: { share: { type: 'string' } } })
const root = mkdtempSync(join(tmpdir(), 'mlforge-bench-packing-'))
const packing = new Packing()
try {
  const rows: Row[] = []
  for (const share of values.share === undefined ? [1 / 8, 1] : [Number(values.share)]) {
    const large = Math.round(LARGE_BYTES * share)
    const small = Array.from({ length: Math.round(SMALL_FILES * share) }, (_, i) =>
      written(`small-${i}`, randomBytes(SMALL_BYTES)),
    )
    const size = `${(large / 1024 / 1024).toFixed(0)} MiB`
    rows.push(
      ...(await measured(`one file of ${size}, noise`, [written('noise', randomBytes(large))], 0.2)),
      ...(await measured(`one file of ${size}, CSV`, [written('csv', csv(large))], 0.1)),
      ...(await measured(`${small.length} files of 4 KiB, noise`, small, 0.1)),
    )
  }
  report('packing', rows)
} finally {
  await packing.close()
  rmSync(root, { recursive: true, force: true })
}

async function measured(what: string, files: readonly string[], aim: number): Promise<Row[]> {
  const scans: number[] = []
  const packs: number[] = []
  const peers: number[] = []
  let scanned: ScannedFile[] = []
  let stored = 0
  for (let round = 0; round < ROUNDS; round++) {
    peers.push(await seconds(() => files.forEach(file => hash('sha256', readFileSync(file)))))
    scans.push(await seconds(async () => void (scanned = await collect(packing.scan(files)))))
    stored = 0
    packs.push(
      await seconds(async () => {
        for await (const { content } of packing.packs(scanned.flatMap(piecesOf))) stored += content.length
      }),
    )
  }
  const megabytes = scanned.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6
  const row = (verb: string, runs: readonly number[]): Row => ({
    what: `${verb}: ${what}`,
    unit: 'MB/s',
    ours: megabytes / median(runs),
    peer: megabytes / median(peers),
    peerName: 'read and SHA-256, one thread',
    aim: `>= ${aim}`,
    details: { seconds: runs, peerSeconds: peers, megabytes, stored: stored / 1e6 / megabytes },
  })
  return [row('scan', scans), row('packs', packs)]
}

async function seconds(work: () => Promise<void> | void): Promise<number> {
  const from = performance.now()
  await work()
  return (performance.now() - from) / 1e3
}

function piecesOf({ file, chunks }: ScannedFile): Piece[] {
  let offset = 0
  return chunks.map(({ bytes, chunk }) => {
    offset += bytes
    return { sha256: chunk, bytes, from: { file, offset: offset - bytes } }
  })
}

function csv(bytes: number): Buffer {
  const content = Buffer.alloc(bytes)
  for (let at = 0, row = 0; at < bytes; row++) {
    const line = `${row},2026-01-${(row % 28) + 1},${(Math.sin(row) * 1_000).toFixed(3)},${row % 7 === 0},${Math.random().toFixed(5)}\n`
    at += content.write(line, at)
  }
  return content
}

function written(name: string, content: Uint8Array): string {
  writeFileSync(join(root, name), content)
  return join(root, name)
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
