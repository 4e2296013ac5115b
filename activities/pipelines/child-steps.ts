import type { StepInput, StepOutcome, StepReport } from '../../contracts/temporal/pipelines.js'
import type { Json } from '../../domain/canonical-json.js'
import { type ErrorCode, isErrorCode, MlforgeError } from '../../domain/errors.js'
import type { RunKind } from '../../domain/names.js'
import type { RetryPolicy } from '../../domain/runs/retry-policy.js'
import { isUnderWay } from '../../domain/runs/run-status.js'
import { derivedId } from '../../stores/ids.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { toFailure } from '../failures.js'
import { beatWhile } from '../heartbeats.js'
import type { ReadStep } from './read-step.js'
import { knownOutcome, memoKey } from './step-memo.js'
import { attempt, type BegunStep, boundedOutcome, finishStep, type StepPorts, takeStep } from './step-work.js'

/** A run that does a step. */
export interface ChildRequest {
  readonly kind: RunKind
  readonly name: string
  readonly request: unknown
  readonly retryPolicy: RetryPolicy
  /** Of its own, where the pipeline's run has none to hand on. */
  readonly priority?: number
}

/** How a step is done that is a run of its own. */
export interface ChildKind {
  readonly request: (input: StepInput, inputs: ReadStep['inputs']) => Promise<ChildRequest>
  /** What the step gives once that run has ended well. */
  readonly outputs: (input: StepInput, run: Run) => Promise<Readonly<Record<string, Json>>>
}

/**
 * Brings a step forward that is a run of its own: takes that run on, says that it is under way, or ends
 * the step as it has ended. In a later attempt of the pipeline's run one that ended badly is started again
 * under its id, so that it goes on where it was; rollouts are started anew.
 */
export async function advanceChild(ports: StepPorts, input: StepInput, kind: ChildKind): Promise<StepReport> {
  const { step, begun } = await takeStep(ports, input)
  if ('report' in begun) return begun.report
  return attempt(ports, input, step, begun, async () => {
    const { child, childAttempt } = begun.row
    const memo = await memoKey(input, step)
    if (child === null) {
      const known = memo === null ? null : await knownOutcome(ports, input, step, memo)
      if (known) return finish(ports, input, begun, known, null)
      return startChild(ports, input, step, begun, kind)
    }
    const run = await ports.runs.get(input.project, child)
    if (isUnderWay(run)) return { state: 'running', child }
    if (run.status === 'succeeded') {
      const outputs = await beatWhile('outputs', () => kind.outputs(input, run))
      const outcome = { outputs, note: `${run.kind} ${run.id}` }
      return finish(ports, input, begun, await boundedOutcome(ports, input.project, outcome), memo)
    }
    if (childAttempt !== input.attempt) return startChild(ports, input, step, begun, kind, run)
    throw toFailure(endOf(run), true)
  })
}

async function startChild(
  ports: StepPorts,
  input: StepInput,
  { inputs }: ReadStep,
  { fence }: BegunStep,
  kind: ChildKind,
  ended?: Run,
): Promise<StepReport> {
  const { project, runId, step, generation, attempt: ofRun } = input
  const again = ended !== undefined && ended.kind !== 'rollout' && ended.status !== 'refused'
  const request = again ? null : await beatWhile('request', () => kind.request(input, inputs))
  const { priority } = await ports.runs.get(project, runId)
  const turn = ended === undefined ? [] : [`a${ofRun}`]
  const id = again ? ended.id : derivedId(runId, step, `g${generation}`, ...turn)
  try {
    await ports.ledger.fenced(fence, async transaction => {
      if (again) await ports.runs.retryIn(transaction, project, id, { attempt: ended.attempt })
      if (request) {
        const principal = `pipeline:${runId}`
        await ports.runs.acceptIn(transaction, {
          ...request,
          id,
          project,
          principal,
          trigger: 'pipeline',
          priority: priority ?? request.priority ?? null,
        })
      }
      await ports.pipelineRuns.setChild(transaction, input, id, ofRun)
    })
  } catch (error) {
    const other = rolloutInTheWay(error)
    if (other === null) throw error
    return { state: 'waiting', waitFor: other }
  }
  return { state: 'running', child: id }
}

function finish(
  ports: StepPorts,
  input: StepInput,
  { fence }: BegunStep,
  outcome: StepOutcome,
  memo: string | null,
): Promise<StepReport> {
  return finishStep(ports, input, fence, { effect: () => Promise.resolve(outcome), memo })
}

/** Why a run has not ended well, as the failure of its step. */
export function endOf({ id, kind, status, error }: Run): MlforgeError {
  const code: ErrorCode = isErrorCode(error?.code) ? error.code : isErrorCode(status) ? status : 'internal'
  const why = error === null ? status : error.message
  return new MlforgeError(code, `The ${kind} ${id} ended as ${status}: ${why}`, {
    ...error?.details,
    run: id,
  })
}

function rolloutInTheWay(error: unknown): string | null {
  if (!(error instanceof MlforgeError) || error.code !== 'rollout_in_progress') return null
  const { rolloutId } = error.details as { rolloutId?: string }
  return rolloutId ?? null
}
