import type { Moment } from './case.js'

/** What a client is told to do. Told again, it goes on with it. */
export type Command =
  | { readonly verb: 'commit'; readonly message: string; readonly author: string; readonly at: string }
  /** @param branch the commits go there, where it is given */
  | { readonly verb: 'push'; readonly branch: string | null }
  /** The newest version of the main branch, or one by its number. What is here is left. */
  | { readonly verb: 'pull'; readonly selector: string }

/** How a command has ended. */
export interface Answer {
  /** Code of the error, and what it says. */
  readonly error: { readonly code: string; readonly message: string } | null
  readonly branch: string
  readonly version: number | null
  /** Messages of the commits that are not pushed. */
  readonly drafts: readonly string[]
  /** Message of the version that was pulled; null where there was none. */
  readonly pulled: string | null
}

export interface ClientSettings {
  readonly api: string
  readonly keyFile: string
  readonly dataset: string
  readonly root: string
}

export type FromClient = { readonly moment: Moment } | { readonly answer: Answer }
