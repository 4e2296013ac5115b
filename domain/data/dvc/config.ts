/** What a repository of DVC says of where its objects are. */
export interface DvcConfig {
  /** Of the cache, relative to `.dvc`; null where it is `.dvc/cache`. */
  readonly cacheDirectory: string | null
  /** The remote of outputs that name none. */
  readonly defaultRemote: string | null
  /** By name; paths are relative to `.dvc`. */
  readonly remoteUrls: ReadonlyMap<string, string>
}

/** Remotes that name each other, at most so many deep. */
const MOST_ALIASES = 10

/**
 * Reads the configuration of a repository.
 * @param texts of `.dvc/config` and `.dvc/config.local`: what comes later wins
 */
export function readDvcConfig(texts: readonly string[]): DvcConfig {
  const core = new Map<string, string>()
  const remoteUrls = new Map<string, string>()
  for (const { section, key, value } of texts.flatMap(settings)) {
    const remote = /^remote "(.*)"$/.exec(section)?.[1]
    if (remote !== undefined && key === 'url') remoteUrls.set(remote, value)
    else core.set(`${section}.${key}`, value)
  }
  return {
    cacheDirectory: core.get('cache.dir') ?? null,
    defaultRemote: core.get('core.remote') ?? null,
    remoteUrls,
  }
}

/**
 * Where a remote is, where it names another one (`remote://other/below`) followed to the end.
 * @returns null where there is no remote of this name
 */
export function dvcRemoteUrl({ remoteUrls }: DvcConfig, name: string): string | null {
  let url = remoteUrls.get(name.toLowerCase())
  for (let i = 0; i < MOST_ALIASES && url !== undefined; i++) {
    const alias = /^remote:\/\/([^/]+)(.*)$/.exec(url)
    if (!alias) return url
    const base: string | undefined = remoteUrls.get(alias[1]!.toLowerCase())
    url = base === undefined ? undefined : base + alias[2]!
  }
  return null
}

/** Whether the address of a remote is a directory of this machine. */
export function isDirectoryUrl(url: string): boolean {
  return !/^\w[\w+.-]*:\/\//.test(url)
}

/** Whether a remote can be in a directory of this name: DVC takes `%(` and `{` for places to fill in. */
export function canBeDvcRemote(directory: string): boolean {
  return !/[\n\r{}]|%\(|".*'|'.*"/.test(directory)
}

/** The configuration of a repository with one remote, in a directory that can be one. */
export function dvcConfigText(remote: string, directory: string): string {
  return `[core]\n    remote = ${remote}\n['remote "${remote}"']\n    url = ${quoted(directory)}\n`
}

/** The lines of a file as ConfigObj reads it, of which DVC uses one level of sections, with names in any case. */
function settings(text: string): { section: string; key: string; value: string }[] {
  let section = ''
  return text.split(/\r?\n/).flatMap(line => {
    const title = /^\s*\[(.*)\]\s*(#.*)?$/.exec(line)?.[1]
    if (title !== undefined) section = unquoted(title).toLowerCase()
    const [, key, value] = /^\s*([^#=[\s][^=]*?)\s*=\s*(.*)$/.exec(line) ?? []
    return title !== undefined || key === undefined
      ? []
      : [{ section, key: unquoted(key).toLowerCase(), value: unquoted(value!) }]
  })
}

function unquoted(text: string): string {
  const [, double, single] = /^\s*(?:"([^"]*)"|'([^']*)')\s*(?:#.*)?$/.exec(text) ?? []
  return double ?? single ?? text.replace(/#.*$/, '').trim()
}

function quoted(text: string): string {
  return text.includes('"') ? `'${text}'` : `"${text}"`
}
