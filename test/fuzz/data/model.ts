import type { Tree } from './tree.js'

/** What became of a commit, as its client was told. */
export type Fate =
  | { readonly kind: 'open' }
  | { readonly kind: 'version'; readonly branch: string }
  /** Its client has left it, as somebody else was first. */
  | { readonly kind: 'left' }

export interface ModelCommit {
  /** No other commit has it. */
  readonly message: string
  readonly tree: Tree
  /** Message of the commit that it was made on top of; null for none, undefined where the server decides. */
  readonly onto: string | null | undefined
  fate: Fate
}

/** What was done, and must be there in the end. */
export class Model {
  readonly commits = new Map<string, ModelCommit>()
  /** Tags by name, with the version that they were last moved to. */
  readonly tags = new Map<string, number>()

  add(message: string, tree: Tree, onto: string | null | undefined): ModelCommit {
    if (this.commits.has(message)) throw new Error(`There are two commits "${message}".`)
    const commit: ModelCommit = { message, tree, onto, fate: { kind: 'open' } }
    this.commits.set(message, commit)
    return commit
  }

  get(message: string | null): ModelCommit {
    const found = this.commits.get(message ?? '')
    if (found === undefined) throw new Error(`There is a version "${message}" that nobody has committed.`)
    return found
  }
}
