import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { MlforgeError, type Problem } from '../domain/errors.js'
import { didYouMean } from '../domain/suggest.js'
import type { Config, Settings } from './config.js'
import { FIELDS, OTHER_VARIABLES, PATHS, type ConfigPath, type Field } from './fields.js'
import { objectProblems } from './s3-fields.js'
import { readYaml, type FileValue } from './yaml-file.js'

export interface ConfigSource {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absolute path; mlforge.yaml is looked for here. */
  readonly cwd: string
  /** Path of a mlforge.yaml that must exist; else MLFORGE_CONFIG, else `mlforge.yaml` where there is one. */
  readonly file?: string
  /** Take the defaults of the stack that `mlforge up` starts. */
  readonly embedded?: boolean
}

/**
 * Environment over mlforge.yaml over defaults, validated whole.
 *
 * @throws configuration_invalid with every problem in `details.problems`
 */
export function loadConfig(source: ConfigSource): Config {
  return load(source, true) as unknown as Config
}

/** The same, where the addresses of stores and of Temporal may be missing: they are about to be started. */
export function loadSettings(source: ConfigSource): Settings {
  return load(source, false) as unknown as Settings
}

/** Configuration of this process: the one place that reads `process.env` for entry points. */
export function readConfig(): Config {
  return loadConfig({ env: process.env, cwd: process.cwd() })
}

/**
 * Configuration of a command that works on the running stack: addresses that are not configured are
 * those of the stack.
 */
export function readStackConfig(addresses: Readonly<Record<string, string>>): Config {
  return loadConfig({ env: { ...addresses, ...process.env }, cwd: process.cwd(), embedded: true })
}

/** Settings of this process, for the launcher and the command line. */
export function readSettings(options: { embedded?: boolean } = {}): Settings {
  return loadSettings({ env: process.env, cwd: process.cwd(), ...options })
}

/** The environment from which `loadConfig` reads the same configuration again. */
export function toEnvironment(config: Config): Record<string, string> {
  return Object.fromEntries(
    PATHS.map(path => {
      const value = path
        .split('.')
        .reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], config)
      return [FIELDS[path].env, Array.isArray(value) ? value.join(',') : String(value)]
    }),
  )
}

function load(source: ConfigSource, complete: boolean): Record<string, unknown> {
  const problems: Problem[] = []
  const file = configFile(source, problems)
  const given = new Map<string, FileValue>()
  if (file !== undefined) {
    const read = readYaml(readFileSync(file, 'utf8'), basename(file), PATHS)
    problems.push(...read.problems)
    for (const [path, found] of read.values) given.set(path, resolved(path, found, dirname(file)))
  }
  for (const [path, found] of readEnvironment(source.env, problems)) {
    given.set(path, resolved(path, found, source.cwd))
  }
  const result: Record<string, unknown> = {}
  const value = (path: string) =>
    path.split('.').reduce<unknown>((node, key) => (node as never)?.[key], result)
  const context = {
    directory: file === undefined ? source.cwd : dirname(file),
    userCache: source.env['XDG_CACHE_HOME'] || join(source.env['HOME'] || homedir(), '.cache'),
    value,
  }
  for (const path of PATHS) {
    const field = FIELDS[path] as Field<unknown>
    const found = given.get(path)
    if (found !== undefined) {
      const parsed = field.schema.safeParse(found.value)
      if (parsed.success) assign(result, path, parsed.data)
      else
        problems.push(
          ...parsed.error.issues.map(({ message }) => ({ at: found.at, message: `${path}: ${message}` })),
        )
    } else if (source.embedded === true && field.embedded !== undefined) {
      assign(result, path, field.embedded)
    } else if (field.fallback !== undefined) {
      assign(result, path, typeof field.fallback === 'function' ? field.fallback(context) : field.fallback)
    } else {
      assign(result, path, undefined)
      if (complete)
        problems.push({ at: field.env, message: `${path} is not set. ${field.missing ?? ''}`.trimEnd() })
    }
  }
  problems.push(...objectProblems(result as never, path => given.get(path)?.at ?? FIELDS[path].env))
  if (problems.length > 0) throw invalid(problems)
  return deepFreeze(result)
}

function configFile({ file, env, cwd }: ConfigSource, problems: Problem[]): string | undefined {
  const named = file ?? (env['MLFORGE_CONFIG'] || undefined)
  const path = resolve(cwd, named ?? 'mlforge.yaml')
  if (existsSync(path)) return path
  if (named !== undefined) {
    problems.push({ at: file === undefined ? 'MLFORGE_CONFIG' : named, message: `There is no file ${path}.` })
  }
  return undefined
}

function readEnvironment(env: ConfigSource['env'], problems: Problem[]): Map<ConfigPath, FileValue> {
  const names = new Map(PATHS.map(path => [FIELDS[path].env, path]))
  const values = new Map<ConfigPath, FileValue>()
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('MLFORGE_') || text === undefined || OTHER_VARIABLES.includes(name)) continue
    const path = names.get(name)
    if (path === undefined) {
      problems.push({
        at: name,
        message: `Unknown variable.${didYouMean(name, [...names.keys(), ...OTHER_VARIABLES])}`,
      })
      continue
    }
    const value = coerce(FIELDS[path] as Field<unknown>, text)
    // An empty variable is one that is not set, except where it can only mean an empty list.
    if (value !== '') values.set(path, { at: name, value })
  }
  return values
}

/** The environment holds text only: what it stands for depends on what the setting accepts. */
function coerce({ schema }: Field<unknown>, text: string): unknown {
  if (schema.safeParse([]).success) return text === '' ? [] : text.split(',').map(item => item.trim())
  if (text === '' || schema.safeParse(text).success) return text
  if (schema.safeParse(true).success) {
    if (text === '1' || text === 'true') return true
    return text === '0' || text === 'false' ? false : text
  }
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}

function resolved(path: string, found: FileValue, directory: string): FileValue {
  const isPath =
    FIELDS[path as ConfigPath].path === true && typeof found.value === 'string' && found.value !== ''
  return isPath ? { at: found.at, value: resolve(directory, found.value as string) } : found
}

function assign(target: Record<string, unknown>, path: string, value: unknown): void {
  const keys = path.split('.')
  const last = keys.pop() ?? path
  let node = target
  for (const key of keys) node = (node[key] ??= {}) as Record<string, unknown>
  node[last] = value
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const child of Object.values(value)) deepFreeze(child)
    Object.freeze(value)
  }
  return value
}

function invalid(problems: readonly Problem[]): MlforgeError {
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`
  return new MlforgeError('configuration_invalid', `The configuration has ${count}. Nothing was started.`, {
    problems,
  })
}
