import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { WorkflowStarter } from '../activities/ports.js'
import type { RunLimits } from '../contracts/temporal/messages.js'
import { reasonOf } from '../domain/runs/reason.js'
import { writeSequence } from '../domain/runs/run-status.js'
import { type DueStart, type OutboxStore, START_DEADLINE_MS } from '../stores/postgres/outbox-store.js'
import type { RunStore } from '../stores/postgres/run-store.js'

export interface RelayPorts {
  readonly outbox: OutboxStore
  readonly runs: RunStore
  readonly workflows: WorkflowStarter
  readonly limits: RunLimits
  readonly logger: Logger
  /** Ends early when there is new work, at the latest after the time given. */
  readonly idle?: (ms: number, signal: AbortSignal) => Promise<void>
}

const IDLE_MS = 250
/** Starts under way at once, while there are several. */
const LANES = 4

/** Makes the starts that are owed, until told to stop. What fails is tried again; nothing is lost. */
export async function relayStarts(ports: RelayPorts, stop: AbortSignal): Promise<void> {
  const { outbox, runs, workflows, limits, logger } = ports

  const startOne = async (
    { run, attempt, promisedAt, tries }: DueStart,
    transaction: Parameters<Parameters<OutboxStore['relay']>[1]>[1],
  ) => {
    // The run has gone on or was cancelled: this promise is of the past.
    if (run.attempt !== attempt || run.status !== 'accepted') return
    try {
      const executionId = await workflows.start(run, limits)
      await transaction.update('runs', { id: run.id, attempt }, { executionId })
    } catch (error) {
      if (Date.now() - promisedAt.getTime() < START_DEADLINE_MS) throw error
      const message = `Temporal did not take the start for an hour (${tries + 1} tries): ${reasonOf(error)}`
      const change = {
        status: 'start_failed',
        stage: 'start_failed',
        error: { code: 'start_failed', message },
      } as const
      await runs.updateIn(transaction, run.id, writeSequence(attempt, 'closing'), change)
    }
  }

  // One each: while Temporal is away a start takes its whole deadline, and a shutdown must not wait for many.
  const relayOne = async () => {
    try {
      return await outbox.relay(1, startOne)
    } catch (error) {
      logger.warn({ error: String(error) }, 'the outbox could not be read; trying again')
      return 0
    }
  }

  let lanes = 1
  while (!stop.aborted) {
    const handled = await Promise.all(Array.from({ length: lanes }, relayOne))
    const isIdle = handled.every(count => count === 0)
    lanes = isIdle ? 1 : LANES
    if (isIdle) await (ports.idle ?? pause)(IDLE_MS, stop)
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => undefined)
}
