/** Any program, run in a group of its own. */
export interface CommandJob {
  /** Program and arguments. */
  readonly command: readonly string[]
  readonly cwd: string
  /** All that it gets of an environment. */
  readonly environment: Readonly<Record<string, string>>
}

/** How a command has ended: by a code, or by a signal. */
export interface CommandEnd {
  readonly code: number | null
  readonly signal: string | null
}

/** The one line that the leader of the group writes. */
export type CommandMessage =
  | ({ readonly event: 'ended' } & CommandEnd)
  | { readonly event: 'not_started'; readonly code: string; readonly message: string }
