import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One measurement: ours against a peer or a limit from the same run. */
export interface Row {
  readonly what: string
  readonly unit: string
  readonly ours: number
  readonly peer: number
  readonly peerName: string
  /** What the ratio ours / peer should be, in words. */
  readonly aim: string
  /** Whatever else belongs to the measurement: single runs, sizes. */
  readonly details?: Readonly<Record<string, unknown>>
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

const git = (...args: string[]): string => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim()

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The value that a share of all do not go beyond. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
}

/** Prints the rows as a table and writes `bench/results/<name>.json` with the commit and the machine. */
export function report(name: string, rows: readonly Row[]): void {
  const measured = rows.map(row => ({ ...row, ratio: row.ours / row.peer }))
  console.table(
    measured.map(row => ({
      what: row.what,
      ours: `${row.ours.toPrecision(4)} ${row.unit}`,
      peer: `${row.peer.toPrecision(4)} ${row.unit} (${row.peerName})`,
      ratio: row.ratio.toFixed(3),
      aim: row.aim,
    })),
  )
  const directory = join(ROOT, 'bench', 'results')
  mkdirSync(directory, { recursive: true })
  const file = join(directory, `${name}.json`)
  const result = {
    name,
    at: new Date().toISOString(),
    commit: git('rev-parse', 'HEAD'),
    dirty: git('status', '--porcelain', '--untracked-files=no') !== '',
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGb: Math.round(totalmem() / 2 ** 30),
      node: process.version,
    },
    rows: measured,
  }
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`)
  console.log(`written to ${file}`)
}
