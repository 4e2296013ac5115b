import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parse } from 'yaml'
import { type DvcConfig, readDvcConfig, withoutCredentials } from '../../../domain/data/dvc/config.js'
import { type DvcOutputs, readDotDvc, readDvcPipeline } from '../../../domain/data/dvc/metafiles.js'
import { MlforgeError } from '../../../domain/errors.js'
import { type IgnoreRules, ignoreRules, isIgnored } from '../ignore-rules.js'

const IGNORE_FILE = '.dvcignore'
const PIPELINE = 'dvc.yaml'
const LOCK = 'dvc.lock'

/** A repository of DVC as it is checked out. */
export interface DvcRepository extends DvcOutputs {
  readonly root: string
  readonly config: DvcConfig
}

/**
 * Reads what the repository that a directory is in tracks: `.dvc` files, `dvc.yaml` with `dvc.lock`. Links are not
 * followed; what `.dvcignore` names, and repositories within it, are left alone, as DVC does.
 * @throws MlforgeError not_found outside of a repository, invalid_request for a file that is no YAML
 */
export function openDvcRepository(directory: string): DvcRepository {
  const root = rootOf(directory)
  const all = metafilesBelow(root, '', [])
  return {
    root,
    config: readDvcConfig(
      ['config', 'config.local'].map(name => join(root, '.dvc', name)).map(file => textOf(file) ?? ''),
    ),
    outputs: all.flatMap(({ outputs }) => outputs),
    leftOut: all.flatMap(({ leftOut }) => leftOut),
    problems: all.flatMap(({ problems }) => problems),
  }
}

function rootOf(directory: string): string {
  if (!existsSync(directory)) {
    throw new MlforgeError('not_found', `There is no directory "${withoutCredentials(directory)}".`)
  }
  for (let at = resolve(directory); ; at = dirname(at)) {
    if (existsSync(join(at, '.dvc'))) return realpathSync(at)
    if (dirname(at) !== at) continue
    throw new MlforgeError(
      'not_found',
      `Neither "${resolve(directory)}" nor a directory above it is a repository of DVC: there is no ".dvc".`,
    )
  }
}

function metafilesBelow(root: string, path: string, above: readonly IgnoreRules[]): DvcOutputs[] {
  const entries = readdirSync(join(root, path), { withFileTypes: true })
  const own = textOf(join(root, path, IGNORE_FILE))
  const rules = own === null ? above : [ignoreRules(path, own), ...above]
  const here = entries
    .filter(entry => entry.isFile() && !isIgnored(path + entry.name, rules))
    .flatMap(({ name }): DvcOutputs[] => {
      if (name === PIPELINE) {
        return [readDvcPipeline(yamlAt(root, path + name), yamlAt(root, path + LOCK), path + name)]
      }
      return name.endsWith('.dvc') ? [readDotDvc(yamlAt(root, path + name), path + name)] : []
    })
  const outputs = new Set(here.flatMap(each => each.outputs).map(output => output.path))
  const below = entries.filter(({ name }) => {
    const directory = path + name
    // What DVC tracks may be large, and is data.
    return !['.git', '.hg', '.dvc'].includes(name) && !outputs.has(directory)
  })
  return [
    ...here,
    ...below.flatMap(entry => {
      const directory = `${path}${entry.name}/`
      if (!entry.isDirectory() || isIgnored(directory, rules)) return []
      return existsSync(join(root, directory, '.dvc')) ? [] : metafilesBelow(root, directory, rules)
    }),
  ]
}

/** Null where there is none. Scalars are text, as a hash may look like a number. */
function yamlAt(root: string, path: string): unknown {
  const text = textOf(join(root, path))
  if (text === null) return null
  try {
    return parse(text, { schema: 'failsafe', merge: true, logLevel: 'error' })
  } catch (error) {
    const [why] = (error as Error).message.split('\n')
    throw new MlforgeError('invalid_request', `"${path}" cannot be read: ${why} Nothing was imported.`)
  }
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    throw new MlforgeError('forbidden', `"${file}" cannot be read: ${message}`)
  }
}
