import {
  type Client,
  type WorkflowExecutionDescription,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import type { ExecutionState, WorkflowStarter } from '../activities/ports.js'
import type { RunEnd, RunFailure, RunLimits } from '../contracts/temporal/messages.js'
import { startOptions } from '../contracts/temporal/start-options.js'
import { isErrorCode, MlforgeError } from '../domain/errors.js'
import type { RunStatus } from '../domain/runs/run-status.js'
import type { Run } from '../stores/postgres/entities/run.js'

const DEADLINE_MS = 10_000

const ENDINGS: Record<string, RunStatus> = {
  FAILED: 'failed',
  TIMED_OUT: 'timed_out',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
}

/** What activities need of Temporal's client, each call with a deadline. */
export class TemporalRuns implements WorkflowStarter {
  constructor(private readonly client: Client) {}

  async start(run: Run, limits: RunLimits): Promise<string> {
    const { type, input, options } = startOptions(run, limits)
    const handle = await this.bounded(() => this.client.workflow.start(type, { ...options, args: [input] }))
    if (run.attempt > 1 && handle.firstExecutionRunId === run.executionId) {
      // The row says that the attempt before has ended, its workflow is about to: a start joins it.
      throw new MlforgeError(
        'unavailable',
        `The attempt before of run ${run.id} is still ending. The start is made again.`,
      )
    }
    return handle.firstExecutionRunId
  }

  async describe(workflowId: string): Promise<ExecutionState | null> {
    try {
      const handle = this.client.workflow.getHandle(workflowId)
      const description = await this.bounded(() => handle.describe())
      return await this.stateOf(description)
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null
      throw error
    }
  }

  async cancel(workflowId: string): Promise<void> {
    try {
      const handle = this.client.workflow.getHandle(workflowId)
      await this.bounded(() => handle.cancel())
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error
    }
  }

  async history(workflowId: string, executionId: string): Promise<string | null> {
    try {
      const handle = this.client.workflow.getHandle(workflowId, executionId)
      return historyToJSON(await this.bounded(() => handle.fetchHistory()))
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null
      throw error
    }
  }

  private async stateOf(description: WorkflowExecutionDescription): Promise<ExecutionState> {
    const { workflowId, runId: executionId, status } = description
    if (status.name === 'RUNNING') return { open: true, executionId }
    if (status.name === 'COMPLETED') {
      const result: unknown = await this.bounded(() =>
        this.client.workflow.getHandle(workflowId, executionId).result(),
      )
      const { outcome, error } = (result ?? {}) as Partial<RunEnd>
      const refused = outcome === 'refused'
      return {
        open: false,
        executionId,
        status: refused ? 'refused' : 'succeeded',
        ...(error ? { error } : {}),
        result,
      }
    }
    const ending = ENDINGS[status.name] ?? 'failed'
    const error = await this.reason(workflowId, executionId, ending)
    return { open: false, executionId, status: ending, error }
  }

  private async reason(workflowId: string, executionId: string, ending: RunStatus): Promise<RunFailure> {
    try {
      await this.bounded(() => this.client.workflow.getHandle(workflowId, executionId).result())
      return { code: 'internal', message: 'The workflow has ended.' }
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error
      const root = rootCause(error)
      const type = root instanceof ApplicationFailure ? root.type : undefined
      const code = ending !== 'failed' ? ending : isErrorCode(type) ? type : 'internal'
      return { code, message: root.message }
    }
  }

  private bounded<T>(call: () => Promise<T>): Promise<T> {
    return this.client.withDeadline(Date.now() + DEADLINE_MS, call)
  }
}

function rootCause(error: Error): Error {
  return error.cause instanceof Error ? rootCause(error.cause) : error
}
