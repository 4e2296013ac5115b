import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Ending } from '../../test/kill/kill-bench.js'
import type { Pair } from '../../test/kill/points.js'

export interface KillResult extends Pair, Ending {
  readonly seed: number
  readonly delayMs: number
}

interface Content {
  readonly commit: string
  /** Hash of what is tracked and of what was changed since: results of another tree say nothing of this one. */
  readonly tree: string
  readonly machine: Record<string, string | number>
  readonly at: string
  readonly pairs: readonly KillResult[]
}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const FILE = join(ROOT, 'bench', 'results', 'kill.json')

/** bench/results/kill.json, written after every kill, so that a suite that was stopped goes on. */
export class KillResults {
  readonly file = FILE
  private pairs: KillResult[]

  private constructor(
    private readonly commit: string,
    private readonly tree: string,
    known: readonly KillResult[],
  ) {
    this.pairs = [...known]
  }

  static open(): KillResults {
    const commit = git('rev-parse', 'HEAD').trim()
    const tree = treeHash()
    const before = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as Content) : undefined
    // Results are committed after they were made: only what the code says must be the same.
    return new KillResults(commit, tree, before?.tree === tree ? before.pairs : [])
  }

  /** A kill that did not end equal is done again. */
  has(pair: Pair, seed: number): boolean {
    return this.get(pair, seed)?.outcome === 'equal'
  }

  get(pair: Pair, seed: number): KillResult | undefined {
    return this.pairs.find(known => isSame(known, pair, seed))
  }

  add(result: KillResult): void {
    this.pairs = [...this.pairs.filter(known => !isSame(known, result, result.seed)), result]
    const machine = {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGb: Math.round(totalmem() / 2 ** 30),
      node: process.version,
    }
    const { commit, tree, pairs } = this
    const content: Content = { commit, tree, machine, at: new Date().toISOString(), pairs }
    mkdirSync(dirname(FILE), { recursive: true })
    writeFileSync(`${FILE}.new`, `${JSON.stringify(content, null, 2)}\n`)
    renameSync(`${FILE}.new`, FILE)
  }
}

function isSame(known: KillResult, { scenario, point, process }: Pair, seed: number): boolean {
  return (
    known.scenario === scenario && known.point === point && known.process === process && known.seed === seed
  )
}

function treeHash(): string {
  const hash = createHash('sha256')
  const paths = git(
    'ls-files',
    '--cached',
    '--others',
    '--exclude-standard',
    '-z',
    '--',
    '*.ts',
    'package-lock.json',
  )
  for (const path of paths.split('\0').filter(isOfSuite)) {
    const file = join(ROOT, path)
    if (existsSync(file)) hash.update(path).update('\0').update(readFileSync(file))
  }
  return hash.digest('hex').slice(0, 16)
}

/** The product and what kills it; other tests and measurements change nothing here. */
function isOfSuite(path: string): boolean {
  if (path.startsWith('test/')) return path.startsWith('test/kill/') || path.startsWith('test/support/')
  if (path.startsWith('bench/')) return path.startsWith('bench/soak/')
  return path !== ''
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 16 << 20 })
}
