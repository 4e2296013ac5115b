import type { RunFailure } from '../../contracts/temporal/messages.js'
import type { Json } from '../../domain/canonical-json.js'
import type { Effect } from '../../stores/postgres/ledger-store.js'

/** What a step of a pipeline knows while it works. */
export interface StepContext {
  readonly project: string
  /** Name of the pipeline. */
  readonly pipeline: string
  readonly runId: string
  readonly step: string
  /** Names this step in everything it does outside: the same on each try. */
  readonly effectKey: string
  /** Complete and of the types that the step type has for them, references resolved. */
  readonly inputs: Readonly<Record<string, Json>>
  /** A directory of its own, gone afterwards. */
  readonly directory: string
  /** Aborted when the step is to stop: cancelled, timed out or the worker shuts down. */
  readonly signal: AbortSignal
  /** Adds a line to the step's log. */
  log(line: string): void
}

/** How a step has ended: outputs by name, or a no that is an answer (a gate, bad data). */
export type StepResult =
  | {
      readonly outputs: Readonly<Record<string, Json>>
      readonly note?: string
      /** Of a branch: its case. */
      readonly taken?: string
    }
  | { readonly refused: RunFailure }

/** Does a step. Rows that it writes to our stores it leaves to the transaction that commits its outcome. */
export type StepRunner = (context: StepContext) => Promise<StepResult | Effect<StepResult>>
