import type { StepInput, StepReport } from '../../../contracts/temporal/pipelines.js'
import { MlforgeError } from '../../../domain/errors.js'
import { sourceOfStep } from '../../../domain/sensors/requested-source.js'
import { toFailure } from '../../failures.js'
import { beatWhile } from '../../heartbeats.js'
import { isOfSource } from '../../sensors/source-errors.js'
import type { SourcePage, SourcePorts } from '../../sensors/read-source.js'
import { readSource } from '../../sensors/sources.js'
import { attempt, boundedOutcome, finishStep, reportOf, type StepPorts, takeStep } from '../step-work.js'

type SensorStepPorts = StepPorts & SourcePorts

const SOONEST_MS = 1_000
const LATEST_MS = 60_000

/**
 * Waits until a source has something that it did not have when the step began, and gives it. A source that
 * cannot be seen is looked for again, as that of a sensor is. Looks get rarer the longer it waits.
 */
export async function sensorStep(ports: SensorStepPorts, input: StepInput): Promise<StepReport> {
  const { step, begun } = await takeStep(ports, input)
  if ('outcome' in begun) return reportOf(begun.outcome)
  return attempt(ports, input, step, begun, async () => {
    const { project, runId } = input
    const { fence, row } = begun
    const source = sourceOfStep(step.inputs['source']!)
    const since = row.startedAt
    const waited = Date.now() - since.getTime()
    const seen = await see(() =>
      readSource(ports, { source, id: runId, project, incarnation: input.generation, since, cursor: null }),
    )
    const [tick] = 'page' in seen ? seen.page.ticks : []
    if (tick) {
      const outputs = { key: tick.key, payload: tick.payload }
      const outcome = await boundedOutcome(ports, project, { outputs, note: tick.key.slice(0, 200) })
      return finishStep(ports, input, fence, { effect: () => Promise.resolve(outcome), memo: null })
    }
    const timeoutSeconds = step.spec.timeoutSeconds ?? step.type.timeoutSeconds
    if (input.answer?.kind === 'expired') throw tooLong(input.step, timeoutSeconds, seen)
    return {
      state: 'open',
      gate: {
        kind: 'source',
        roles: null,
        until: null,
        expires: since.getTime() + timeoutSeconds * 1000,
        remindEveryMs: Math.min(LATEST_MS, Math.max(SOONEST_MS, waited / 10)),
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
