/** What a repository of DVC says of where its objects are. */
export interface DvcConfig {
  /** Of the cache, relative to `.dvc`; null where it is `.dvc/cache`. */
  readonly cacheDirectory: string | null
  /** The remote of outputs that name none. */
  readonly defaultRemote: string | null
  /** What is said of each remote, by its name: `url`, which is relative to `.dvc` where it is a path, and more. */
  readonly remotes: ReadonlyMap<string, ReadonlyMap<string, string>>
}

/** Where the objects of a remote are. */
export interface DvcRemote {
  readonly url: string
  /** All that is said of it, such as `endpointurl`. */
  readonly settings: ReadonlyMap<string, string>
}

/** Remotes that name each other, at most so many deep. */
const MOST_ALIASES = 10

/**
 * Reads the configuration of a repository.
 * @param texts of `.dvc/config` and `.dvc/config.local`: what comes later wins
 */
export function readDvcConfig(texts: readonly string[]): DvcConfig {
  const core = new Map<string, string>()
  const remotes = new Map<string, Map<string, string>>()
  for (const { section, key, value } of texts.flatMap(settings)) {
    const name = /^remote "(.*)"$/.exec(section)?.[1]
    if (name === undefined) core.set(`${section}.${key}`, value)
    else remotes.set(name, new Map(remotes.get(name)).set(key, value))
  }
  return {
    cacheDirectory: core.get('cache.dir') ?? null,
    defaultRemote: core.get('core.remote') ?? null,
    remotes,
  }
}

/**
 * A remote; where it names another one (`remote://other/below`), that is followed to the end.
 * @returns null where there is no remote of this name
 */
export function dvcRemote({ remotes }: DvcConfig, name: string): DvcRemote | null {
  let settings = remotes.get(name.toLowerCase())
  for (let i = 0; i < MOST_ALIASES; i++) {
    const url = settings?.get('url')
    if (settings === undefined || url === undefined) return null
    const [, other, below] = /^remote:\/\/([^/]+)(.*)$/.exec(url) ?? []
    if (other === undefined) return { url, settings }
    const base = remotes.get(other.toLowerCase())
    const at = base?.get('url')
    if (base === undefined || at === undefined) return null
    settings = new Map([...base, ...settings, ['url', at + below!]])
  }
  return null
}

/** Whether the address of a remote is a directory of this machine. */
export function isDirectoryUrl(url: string): boolean {
  return !/^\w[\w+.-]*:\/\//.test(url)
}

/**
 * An address, or a text with addresses in it, that can be shown: without users and passwords, and without what follows
 * `?` or `#`, which may be a token.
 */
export function withoutCredentials(text: string): string {
  return text.replaceAll(/(\w[\w+.-]*:\/\/)(\S+)/g, (_, scheme: string, rest: string) => {
    const [address = ''] = rest.split(/[?#]/)
    // A password may have been left with a `/` in it: only numbers of ports follow `:` otherwise.
    return (
      scheme + address.replace(/^(?:[^/]*@|[^/:]*:(?!\d*(?:\/|$)).*@)/, '') + (address === rest ? '' : '…')
    )
  })
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
