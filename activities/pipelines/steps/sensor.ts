import type { StepInput, StepReport } from '../../../contracts/temporal/pipelines.js'
import type { Json } from '../../../domain/canonical-json.js'
import { MlforgeError } from '../../../domain/errors.js'
import { sourceOfStep } from '../../../domain/sensors/requested-source.js'
import { toFailure } from '../../failures.js'
import { beatWhile } from '../../heartbeats.js'
import { isOfSource } from '../../sensors/source-errors.js'
import type { SourcePage, SourcePorts } from '../../sensors/read-source.js'
import { readSource } from '../../sensors/sources.js'
import {
  attempt,
  type BegunStep,
  boundedOutcome,
  finishStep,
  type StepPorts,
  type TakenStep,
  takeStep,
} from '../step-work.js'

export type SensorStepPorts = StepPorts & SourcePorts

const SOONEST_MS = 1_000
const LATEST_MS = 60_000

/** Waits until a source has something that it did not have when the step began, and gives it. */
export async function sensorStep(ports: SensorStepPorts, input: StepInput): Promise<StepReport> {
  const taken = await takeStep(ports, input)
  const { begun, step } = taken
  if ('report' in begun) return begun.report
  return lookFor(ports, input, { begun, step }, step.inputs['source']!, begun.row.startedAt)
}

/** A step that has begun, and is not finished. */
interface Waiting extends TakenStep {
  readonly begun: BegunStep
}

/**
 * Looks whether a source has something that came after a moment: gives it, or says that the step waits. A
 * source that cannot be seen is looked for again, as that of a sensor is. Looks get rarer the longer it waits.
 */
export async function lookFor(
  ports: SensorStepPorts,
  input: StepInput,
  { step, begun }: Waiting,
  wanted: Json,
  since: Date,
): Promise<StepReport> {
  return attempt(ports, input, step, begun, async () => {
    const { project, runId, generation: incarnation } = input
    const { fence, row } = begun
    const source = sourceOfStep(wanted)
    const at = { source, id: runId, project, incarnation, since, cursor: null }
    const seen = await see(() => readSource(ports, at))
    const [tick] = 'page' in seen ? seen.page.ticks : []
    if (tick) {
      const { key, payload } = tick
      const outputs = 'key' in step.type.outputs ? { key, payload } : { payload }
      const outcome = await boundedOutcome(ports, project, { outputs, note: key.slice(0, 200) })
      return finishStep(ports, input, fence, { effect: () => Promise.resolve(outcome), memo: null })
    }
    const timeoutSeconds = step.spec.timeoutSeconds ?? step.type.timeoutSeconds
    if (input.answer?.kind === 'expired') throw tooLong(input.step, timeoutSeconds, seen)
    const began = row.startedAt.getTime()
    return {
      state: 'open',
      gate: {
        kind: 'source',
        roles: null,
        until: null,
        expires: began + timeoutSeconds * 1000,
        remindEveryMs: Math.min(LATEST_MS, Math.max(SOONEST_MS, (Date.now() - began) / 10)),
      },
    }
  })
}

type Seen = { readonly page: SourcePage } | { readonly why: string }

async function see(read: () => Promise<SourcePage>): Promise<Seen> {
  try {
    return { page: await beatWhile('source', read) }
  } catch (error) {
    if (!isOfSource(error)) throw error
    return { why: error.message }
  }
}

/** Waiting as long once more is for somebody to decide. */
function tooLong(step: string, seconds: number, seen: Seen): unknown {
  const why = 'why' in seen ? ` At last the source could not be seen: ${seen.why}` : ''
  const message = `Step "${step}" has waited for ${seconds} seconds, and its source has nothing new.${why}`
  return toFailure(new MlforgeError('timed_out', message), true)
}
