import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Ending } from '../../test/kill/kill-bench.js'

interface Content<R> {
  readonly commit: string
  /** Hash of what is tracked and of what was changed since: results of another tree say nothing of this one. */
  readonly tree: string
  readonly machine: Record<string, string | number>
  readonly at: string
  readonly results: readonly R[]
}

/** A suite whose results are kept. */
export interface SuiteOf<R> {
  readonly name: string
  /** Folders of tests that make its cases: other tests and measurements change nothing in its results. */
  readonly tests: readonly string[]
  readonly keyOf: (result: R) => string
}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** bench/results/<suite>.json, written after every case, so that a suite that was stopped goes on. */
export class SoakResults<R extends Ending> {
  private constructor(
    readonly file: string,
    private readonly suite: SuiteOf<R>,
    private readonly commit: string,
    private readonly tree: string,
    private readonly known: Map<string, R>,
  ) {}

  static open<R extends Ending>(suite: SuiteOf<R>): SoakResults<R> {
    const file = join(ROOT, 'bench', 'results', `${suite.name}.json`)
    const commit = git('rev-parse', 'HEAD').trim()
    const tree = treeHash(suite.tests)
    const before = existsSync(file)
      ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<Content<R>>)
      : undefined
    // Results are committed after they were made: only what the code says must be the same.
    const results = before?.tree === tree ? (before.results ?? []) : []
    const known = new Map(results.map(result => [suite.keyOf(result), result]))
    return new SoakResults(file, suite, commit, tree, known)
  }

  /** A case that did not end equal is done again. */
  has(key: string): boolean {
    return this.known.get(key)?.outcome === 'equal'
  }

  get(key: string): R | undefined {
    return this.known.get(key)
  }

  add(result: R): void {
    this.known.set(this.suite.keyOf(result), result)
    const machine = {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGb: Math.round(totalmem() / 2 ** 30),
      node: process.version,
    }
    const { commit, tree, file } = this
    const results = [...this.known.values()]
    const content: Content<R> = { commit, tree, machine, at: new Date().toISOString(), results }
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`)
    renameSync(`${file}.new`, file)
  }
}

function treeHash(tests: readonly string[]): string {
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
  for (const path of paths.split('\0').filter(path => isOfSuite(path, tests))) {
    const file = join(ROOT, path)
    if (existsSync(file)) hash.update(path).update('\0').update(readFileSync(file))
  }
  return hash.digest('hex').slice(0, 16)
}

/** The product and what kills it. */
function isOfSuite(path: string, tests: readonly string[]): boolean {
  if (path.startsWith('test/')) return tests.some(folder => path.startsWith(`${folder}/`))
  if (path.startsWith('bench/')) return path.startsWith('bench/soak/')
  return path !== ''
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 16 << 20 })
}
