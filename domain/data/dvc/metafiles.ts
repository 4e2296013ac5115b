import type { Problem } from '../../errors.js'
import { isMd5 } from './tree.js'

/** What is hashed: the bytes; or, before DVC 3, those of text with LF for CR LF. */
export type DvcHash = 'md5' | 'md5-dos2unix'

/** A file or a directory that DVC keeps. */
export interface DvcOutput {
  /** Relative to the repository, with `/` between its parts. */
  readonly path: string
  readonly md5: string
  /** Then `md5` is that of the list of its files, or that list is here. */
  readonly isDirectory: boolean
  /** A list of files that is not an object of its own, as remotes with versions have it. */
  readonly files: unknown
  readonly hash: DvcHash
  readonly isExecutable: boolean
  /** The remote it is in, where that is not the default one. */
  readonly remote: string | null
  /** False where DVC never sends it to a remote. */
  readonly isPushed: boolean
}

/** What the files of a repository say that is tracked. */
export interface DvcOutputs {
  readonly outputs: readonly DvcOutput[]
  /** What DVC does not keep, or not yet, and why. */
  readonly leftOut: readonly Problem[]
  readonly problems: readonly Problem[]
}

type Values = Readonly<Record<string, unknown>>

/** An output as a pipeline declares it; `${...}` in the path stands for anything. */
interface Declared {
  readonly path: string
  readonly isCached: boolean
  readonly isPushed: boolean
  readonly remote: string | null
}

/**
 * Reads a `.dvc` file.
 * @param value the file as YAML whose scalars are all text
 * @param file its path in the repository
 */
export function readDotDvc(value: unknown, file: string): DvcOutputs {
  const { outs, wdir } = valuesOf(value)
  return merged(listOf(outs).map(out => readOutput(valuesOf(out), base(file, wdir), file, null)))
}

/**
 * Reads what a pipeline has made: `dvc.lock` has the hashes, `dvc.yaml` says which of them are kept.
 * @param file the path of `dvc.yaml` in the repository
 */
export function readDvcPipeline(yaml: unknown, lock: unknown, file: string): DvcOutputs {
  const stages = Object.entries(valuesOf(valuesOf(yaml)['stages']))
  return merged(stages.map(([name, stage]) => readStage(name, valuesOf(stage), lockedStages(lock), file)))
}

function readStage(name: string, stage: Values, lock: Values, file: string): DvcOutputs {
  const body = 'do' in stage ? valuesOf(stage['do']) : stage
  const declared = ['outs', 'metrics', 'plots'].flatMap(kind => listOf(body[kind]).flatMap(declaredIn))
  if (declared.length === 0) return merged([])
  const at = `${file}:${name}`
  const runs = Object.keys(lock).filter(key => key === name || key.startsWith(`${name}@`))
  if (runs.length === 0) {
    return { ...merged([]), leftOut: [{ at, message: 'It has not run yet: it is not in dvc.lock.' }] }
  }
  if (String(body['wdir'] ?? '').includes('${')) {
    const message = 'Its wdir is a template. Import the repository after writing it out.'
    return { ...merged([]), problems: [{ at, message }] }
  }
  const directory = base(file, body['wdir'])
  return merged(
    runs.flatMap(run =>
      listOf(valuesOf(lock[run])['outs']).flatMap(out => {
        const values = valuesOf(out)
        const match = declared.find(({ path }) => patternOf(path).test(plain(String(values['path']))))
        // One of an earlier form of the stage.
        return match ? [readOutput(values, directory, `${file}:${run}`, match)] : []
      }),
    ),
  )
}

function readOutput(
  out: Values,
  directory: string | null,
  from: string,
  declared: Declared | null,
): DvcOutputs {
  const { path, md5, hash, cache, files } = out
  if (typeof path !== 'string') return refused(from, 'An output of it has no path.')
  const resolved = directory === null ? null : resolveIn(directory, path)
  if (resolved === null) return refused(from, `Its output "${path}" is not within the repository.`)
  if (cache === 'false' || declared?.isCached === false) {
    return left(resolved, `${from} says cache: false, so that DVC does not keep it.`)
  }
  const isListed = Array.isArray(files)
  if (md5 === undefined && !isListed) {
    return left(resolved, `${from} has no MD5 of it: DVC does not have it yet.`)
  }
  const [, digest, directorySuffix] = /^(.*?)(\.dir)?$/.exec(String(md5 ?? '')) ?? []
  if (!isListed && !isMd5(digest)) return refused(from, `The MD5 of its output "${path}" is none.`)
  if (hash !== undefined && hash !== 'md5') {
    return refused(from, `Its output "${path}" is hashed by "${String(hash)}"; only md5 can be read.`)
  }
  const remote = out['remote'] ?? declared?.remote
  const output: DvcOutput = {
    path: resolved,
    md5: digest ?? '',
    isDirectory: isListed || directorySuffix !== undefined,
    files: isListed ? files : null,
    hash: hash === 'md5' || isListed ? 'md5' : 'md5-dos2unix',
    isExecutable: out['isexec'] === 'true',
    remote: typeof remote === 'string' ? remote : null,
    isPushed: out['push'] !== 'false' && declared?.isPushed !== false,
  }
  return { outputs: [output], leftOut: [], problems: [] }
}

/** A path in the repository; null for one that is not within it. The directory is. */
function resolveIn(directory: string, path: string): string | null {
  if (path.startsWith('/') || /^\w+:\/\//.test(path)) return null
  const parts: string[] = []
  for (const part of `${directory}/${path}`.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) return null
  }
  return parts.length === 0 ? null : parts.join('/')
}

/** The directory that paths in a file are relative to; null for one that is absolute. */
function base(file: string, wdir: unknown): string | null {
  const parent = file.split('/').slice(0, -1).join('/')
  if (typeof wdir === 'string' && wdir.startsWith('/')) return null
  return typeof wdir === 'string' && wdir !== '' ? `${parent}/${wdir}` : parent
}

function declaredIn(entry: unknown): Declared[] {
  if (typeof entry === 'string') return [{ path: entry, isCached: true, isPushed: true, remote: null }]
  return Object.entries(valuesOf(entry)).map(([path, said]) => {
    // Some plots have a list of what they say.
    const all = Array.isArray(said) ? said.map(valuesOf) : [valuesOf(said)]
    const remote = all.map(each => each['remote']).find(each => typeof each === 'string')
    return {
      path,
      isCached: !all.some(({ cache }) => cache === 'false'),
      isPushed: !all.some(({ push }) => push === 'false'),
      remote: typeof remote === 'string' ? remote : null,
    }
  })
}

function patternOf(path: string): RegExp {
  const literal = plain(path)
    .split(/\$\{[^}]*\}/)
    .map(part => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
  return new RegExp(`^${literal.join('.+')}$`)
}

/** A path without parts that say nothing. */
function plain(path: string): string {
  return path
    .split('/')
    .filter(part => part !== '' && part !== '.')
    .join('/')
}

/** Locks of before schema 2.0 are the stages themselves. */
function lockedStages(lock: unknown): Values {
  const values = valuesOf(lock)
  return 'schema' in values ? valuesOf(values['stages']) : values
}

function valuesOf(value: unknown): Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Values) : {}
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function merged(all: readonly DvcOutputs[]): DvcOutputs {
  return {
    outputs: all.flatMap(({ outputs }) => outputs),
    leftOut: all.flatMap(({ leftOut }) => leftOut),
    problems: all.flatMap(({ problems }) => problems),
  }
}

function refused(at: string, message: string): DvcOutputs {
  return { outputs: [], leftOut: [], problems: [{ at, message }] }
}

function left(at: string, message: string): DvcOutputs {
  return { outputs: [], leftOut: [{ at, message }], problems: [] }
}

/**
 * A `.dvc` file that tracks a directory.
 * @param from what it was made of, for `meta`, which DVC keeps and does not read
 */
export function dotDvcText(
  directory: { readonly path: string; readonly md5: string; readonly bytes: number; readonly files: number },
  from: { readonly dataset: string; readonly version: number | null; readonly manifest: string },
): string {
  const { path, md5, bytes, files } = directory
  const { dataset, version, manifest } = from
  // A text in JSON is one in YAML.
  return `outs:
- md5: ${md5}.dir
  size: ${bytes}
  nfiles: ${files}
  hash: md5
  path: ${JSON.stringify(path)}
meta:
  mlforge:
    dataset: ${JSON.stringify(dataset)}
    version: ${version ?? 'null'}
    manifest: ${JSON.stringify(manifest)}
`
}
