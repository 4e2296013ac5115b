import type { RunInput, RunLimits } from '../../contracts/temporal/messages.js'
import type { PipelineDefinition } from '../../domain/pipelines/definition.js'
import { writeSequence } from '../../domain/runs/run-status.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import type { ClaimKey } from '../../stores/postgres/pool-claims.js'
import { awaitChange } from '../await-change.js'
import type { Ports } from '../ports.js'

type TurnPorts = Pick<Ports, 'runs' | 'pools' | 'wakes'>

/** Writes of a run's row that say where it is, in the order in which they can come. */
const QUEUED = 2
const HAS_TURN = 3

/**
 * Asks for the turn of a run, and says in its row whether it has it. One that nobody at the edge could refuse, as
 * a step of another pipeline, is refused here; one that is started again waits.
 */
export async function askForTurn(
  { runs, pools }: TurnPorts,
  { runId, attempt }: RunInput,
  run: Run,
  definition: PipelineDefinition,
): Promise<boolean> {
  const { concurrency } = definition
  if (!concurrency) {
    await runs.update(runId, writeSequence(attempt, QUEUED), { stage: 'run' })
    return true
  }
  const hasTurn = await pools.turn(run, definition, concurrency.whenFull === 'refuse' && attempt === 1)
  await runs.update(
    runId,
    writeSequence(attempt, hasTurn ? HAS_TURN : QUEUED),
    hasTurn ? { stage: 'run' } : { stage: 'queued' },
  )
  return hasTurn
}

/** How runs and steps wait for room. */
export function queueActivities(ports: TurnPorts & Pick<Ports, 'pipelineRuns'>) {
  const { runs, pipelineRuns, pools, wakes } = ports
  return {
    /** True where the run has its turn by now. */
    async takeTurn(input: RunInput): Promise<boolean> {
      const run = await runs.get(input.project, input.runId)
      const hasTurn = await askForTurn(ports, input, run, await pipelineRuns.definitionOf(run))
      wakes.publish(input.runId)
      return hasTurn
    },

    /** Ends when a claim is granted, or is none any more that could be. */
    async awaitSlots({ limits, ...key }: ClaimKey & { readonly limits: RunLimits }): Promise<void> {
      const listen = (wake: () => void) => wakes.subscribe(key.runId, wake)
      await awaitChange(() => pools.stateOf(key), 'queued', limits, listen)
    },

    /** Gives nothing to a claim until it is asked for again; it keeps its place. */
    async leaveQueue(key: ClaimKey): Promise<void> {
      for (const runId of await pools.park(key)) wakes.publish(runId)
    },
  }
}

export type QueueActivities = ReturnType<typeof queueActivities>
