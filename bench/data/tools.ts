import { execFile, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { peakResidentBytes } from '../../inference/peak-memory.js'

const run = promisify(execFile)
const CLI = fileURLToPath(new URL('../../cli/main.js', import.meta.url))

export interface Measured {
  readonly seconds: number
  /** Most memory that it had at a time. */
  readonly peakBytes: number
  readonly output: string
}

/** A way of versioning files, by its command line: what is measured is what a person waits for. */
export interface Tool {
  readonly name: string
  /** Makes a directory ready; the files are put into `data` of it afterwards. */
  init(directory: string): Promise<void>
  /** Takes the files of `data` as they are now, and records them. */
  add(directory: string): Promise<Measured>
  push(directory: string): Promise<Measured>
  status(directory: string): Promise<Measured>
  /** Gets what was pushed into a directory that has nothing yet, made from the one that has pushed it. */
  pull(from: string, to: string): Promise<Measured>
  /** Bytes that a push has moved to where data is shared. */
  moved(directory: string, push: Measured): number
}

/** Runs a program and waits for it. */
async function measured(
  directory: string,
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Measured> {
  const from = performance.now()
  const child = spawn(program, args, { cwd: directory, env: { ...process.env, ...env } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  }
  let peakBytes = 0
  const timer = setInterval(() => (peakBytes = Math.max(peakBytes, peakOf(child.pid!))), 5)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  clearInterval(timer)
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output}`)
  return { seconds: (performance.now() - from) / 1e3, peakBytes, output }
}

const git = async (directory: string, ...args: string[]) => {
  await run('git', ['-c', 'user.name=bench', '-c', 'user.email=bench@example.org', ...args], {
    cwd: directory,
  })
}

/** `mlforge data` on a stack that runs. */
export function mlforgeData(api: string, key: string, dataset: () => string): Tool {
  const env = { MLFORGE_API_URL: api, MLFORGE_API_KEY: key }
  const data = (directory: string, ...args: string[]) =>
    measured(join(directory, 'data'), process.execPath, [CLI, 'data', ...args], env)
  const init = async (directory: string, name: string) => {
    mkdirSync(join(directory, 'data'), { recursive: true })
    await git(directory, 'init', '-q')
    await measured(directory, process.execPath, [CLI, 'data', 'init', name, 'data'], env)
  }
  const names = new Map<string, string>()
  return {
    name: 'mlforge data',
    async init(directory) {
      names.set(directory, dataset())
      await init(directory, names.get(directory)!)
    },
    add: directory => data(directory, 'commit', '-a', '-m', 'bench'),
    push: directory => data(directory, 'push'),
    status: directory => data(directory, 'status'),
    async pull(from, to) {
      await init(to, names.get(from)!)
      return data(to, 'pull')
    },
    moved(_, { output }) {
      const [, value, unit] = / ([\d.]+) (bytes?|KiB|MiB|GiB) sent/.exec(output)!
      return Number(value) * { b: 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }[unit![0] as 'b' | 'K' | 'M' | 'G']
    },
  }
}

/** The real dvc with a remote on the same disk. */
export function dvc(python: string): Tool {
  const env = { DVC_NO_ANALYTICS: '1', PATH: `${dirname(python)}:${process.env['PATH'] ?? ''}` }
  const call = (directory: string, ...args: string[]) =>
    measured(directory, python, ['-m', 'dvc', ...args], env)
  const remoteOf = (directory: string) => `${directory}-remote`
  const known = new Map<string, number>()
  return {
    name: 'dvc',
    async init(directory) {
      mkdirSync(directory, { recursive: true })
      mkdirSync(remoteOf(directory))
      await git(directory, 'init', '-q')
      await call(directory, 'init', '-q')
      await call(directory, 'config', 'core.check_update', 'false')
      await call(directory, 'remote', 'add', '-q', '-d', 'shared', remoteOf(directory))
      await git(directory, 'commit', '-qam', 'init')
    },
    async add(directory) {
      const added = await call(directory, 'add', '-q', 'data')
      await git(directory, 'add', '-A', '.')
      await git(directory, 'commit', '-qm', 'bench')
      return added
    },
    push: directory => call(directory, 'push', '-q'),
    status: directory => call(directory, 'status', '-q'),
    async pull(from, to) {
      await run('git', ['clone', '-q', from, to])
      return call(to, 'pull', '-q')
    },
    moved(directory) {
      const before = known.get(directory) ?? 0
      known.set(directory, bytesBelow(remoteOf(directory)))
      return known.get(directory)! - before
    },
  }
}

function bytesBelow(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .reduce((total, entry) => total + statSync(join(entry.parentPath, entry.name)).size, 0)
}

function peakOf(pid: number): number {
  try {
    return peakResidentBytes(pid)
  } catch {
    return 0
  }
}
