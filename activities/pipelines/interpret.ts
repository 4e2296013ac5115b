import type { RunInput } from '../../contracts/temporal/messages.js'
import type { PipelinePlan, RollBackPlan, StepEnd, StepOutcome } from '../../contracts/temporal/pipelines.js'
import { rollBackOrder } from '../../domain/pipelines/compensations.js'
import { generationOf } from '../../domain/pipelines/generations.js'
import { graphOf } from '../../domain/pipelines/progress.js'
import { cancelRuns } from '../cancel-runs.js'
import type { Ports } from '../ports.js'
import { askForTurn } from './queue.js'

type InterpretPorts = Pick<Ports, 'runs' | 'ledger' | 'pipelineRuns' | 'pools' | 'wakes' | 'workflows'>

/** What the interpreter of pipelines does beside the steps. */
export function interpretActivities(ports: InterpretPorts) {
  const { runs, ledger, pipelineRuns, wakes, workflows } = ports
  return {
    /** The graph of a run, and what of it is done: what a retry skips. */
    async planPipeline(input: RunInput): Promise<PipelinePlan> {
      const { project, runId, attempt } = input
      const run = await runs.get(project, runId)
      const definition = await pipelineRuns.definitionOf(run)
      const hasTurn = await askForTurn(ports, input, run, definition)
      const { generations, rollBack } = await pipelineRuns.open(runId)
      const finished = new Map(
        (await ledger.steps(runId)).map(({ step, generation, outcome }) => [
          `${step}/${generation}`,
          outcome as StepOutcome,
        ]),
      )
      const { steps, ...graph } = graphOf(definition)
      const undoable = definition.steps.some(({ compensate }) => compensate !== undefined)
      return {
        ...graph,
        ...(undoable ? { rollBack: definition.rollBack ?? 'on_failure' } : {}),
        ...(rollBack?.attempt === attempt ? { rollBackAsked: rollBack } : {}),
        ...(hasTurn ? {} : { queued: true }),
        steps: definition.steps.map(({ name, uses, timeoutSeconds }, at) => {
          const generation = generationOf(generations, name)
          const outcome = finished.get(`${name}/${generation}`)
          return {
            ...steps[at]!,
            uses,
            ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
            ...(generation === 1 ? {} : { generation }),
            ...(outcome ? { done: true } : {}),
            ...(outcome?.taken === undefined ? {} : { taken: outcome.taken }),
          }
        }),
      }
    },

    /** What of a run can be undone: the steps that have left something, the last first. */
    async planRollBack({ project, runId }: RunInput): Promise<RollBackPlan> {
      const definition = await pipelineRuns.definitionOf(await runs.get(project, runId))
      const { generations } = await pipelineRuns.open(runId)
      const finished = new Map(
        (await ledger.steps(runId)).map(({ step, generation, finishedAt }) => [
          `${step}/${generation}`,
          finishedAt.getTime(),
        ]),
      )
      const undoable = definition.steps.flatMap(({ name, compensate }, at) => {
        const finishedAt = finished.get(`${name}/${generationOf(generations, name)}`)
        return compensate && finishedAt !== undefined ? [{ at, finishedAt }] : []
      })
      return {
        steps: rollBackOrder(graphOf(definition), undoable).map(at => {
          const { name, compensate } = definition.steps[at]!
          const { uses, timeoutSeconds } = compensate!
          return {
            at,
            uses,
            ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
            generation: generationOf(generations, name),
          }
        }),
      }
    },

    /** Ends of steps that their own activities could not write. */
    async recordSteps({
      runId,
      attempt,
      ends,
    }: {
      runId: string
      attempt: number
      ends: readonly StepEnd[]
    }): Promise<void> {
      const granted = await pipelineRuns.endAll(runId, attempt, ends)
      for (const id of [runId, ...granted]) wakes.publish(id)
    },

    /** Asks runs to stop; those that have ended, or end meanwhile, are left alone. */
    async cancelRuns({ project, runIds }: { project: string; runIds: readonly string[] }): Promise<void> {
      await cancelRuns({ runs, workflows }, project, runIds)
    },
  }
}

export type InterpretActivities = ReturnType<typeof interpretActivities>
