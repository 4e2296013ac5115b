import { execFile, spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { peakResidentBytes } from '../../inference/peak-memory.js'
import type { Versity } from '../../test/stores/objects/support/versity.js'

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

/** Where the real dvc shares data. */
export interface DvcRemote {
  readonly name: string
  /** What makes it the remote of a repository: commands of dvc. */
  commands(directory: string): readonly (readonly string[])[]
  /** Where the bytes are that were shared from a repository. */
  bytesOf(directory: string): number
}

/** A directory on the same disk: nothing but a copy. */
export const DIRECTORY: DvcRemote = {
  name: 'dvc',
  commands: directory => [['remote', 'add', '-q', '-d', 'shared', `${directory}-remote`]],
  bytesOf: directory => bytesBelow(`${directory}-remote`),
}

/** The bucket of an S3 server. */
export function bucketRemote(server: Versity): DvcRemote {
  const { endpoint, bucket, region, accessKeyId, secretAccessKey } = server.options()
  const prefixOf = (directory: string) => `dvc/${basename(directory)}`
  const set = (key: string, value: string) => ['remote', 'modify', '-q', '--local', 'shared', key, value]
  return {
    name: 'dvc with S3',
    commands: directory => [
      ['remote', 'add', '-q', '-d', 'shared', `s3://${bucket}/${prefixOf(directory)}`],
      ...Object.entries({
        endpointurl: endpoint,
        region,
        access_key_id: accessKeyId,
        secret_access_key: secretAccessKey,
      }).map(([key, value]) => set(key, value)),
    ],
    bytesOf: directory => bytesBelow(server.fileOf(prefixOf(directory))),
  }
}

/** The real dvc. */
export function dvc(python: string, remote: DvcRemote): Tool {
  const env = { DVC_NO_ANALYTICS: '1', PATH: `${dirname(python)}:${process.env['PATH'] ?? ''}` }
  const call = (directory: string, ...args: string[]) =>
    measured(directory, python, ['-m', 'dvc', ...args], env)
  const known = new Map<string, number>()
  return {
    name: remote.name,
    async init(directory) {
      mkdirSync(directory, { recursive: true })
      await git(directory, 'init', '-q')
      await call(directory, 'init', '-q')
      await call(directory, 'config', 'core.check_update', 'false')
      for (const command of remote.commands(directory)) await call(directory, ...command)
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
      // Keys are not in git.
      const local = '.dvc/config.local'
      if (existsSync(join(from, local))) copyFileSync(join(from, local), join(to, local))
      return call(to, 'pull', '-q')
    },
    moved(directory) {
      const before = known.get(directory) ?? 0
      known.set(directory, remote.bytesOf(directory))
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
