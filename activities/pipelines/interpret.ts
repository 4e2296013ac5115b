import type { RunInput } from '../../contracts/temporal/messages.js'
import type { PipelinePlan, StepEnd, StepOutcome } from '../../contracts/temporal/pipelines.js'
import { generationOf } from '../../domain/pipelines/generations.js'
import { graphOf } from '../../domain/pipelines/progress.js'
import { writeSequence } from '../../domain/runs/run-status.js'
import { cancelRuns } from '../cancel-runs.js'
import type { Ports } from '../ports.js'

type InterpretPorts = Pick<Ports, 'runs' | 'ledger' | 'pipelineRuns' | 'wakes' | 'workflows'>

/** What the interpreter of pipelines does beside the steps. */
export function interpretActivities({ runs, ledger, pipelineRuns, wakes, workflows }: InterpretPorts) {
  return {
    /** The graph of a run, and what of it is done: what a retry skips. */
    async planPipeline({ project, runId, attempt }: RunInput): Promise<PipelinePlan> {
      await runs.update(runId, writeSequence(attempt, 2), { stage: 'run' })
      const definition = await pipelineRuns.definitionOf(await runs.get(project, runId))
      const { generations } = await pipelineRuns.open(runId)
      const finished = new Map(
        (await ledger.steps(runId)).map(({ step, generation, outcome }) => [
          `${step}/${generation}`,
          outcome as StepOutcome,
        ]),
      )
      const { steps, ...graph } = graphOf(definition)
      return {
        ...graph,
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
      await pipelineRuns.endAll(runId, attempt, ends)
      wakes.publish(runId)
    },

    /** Asks runs to stop; those that have ended, or end meanwhile, are left alone. */
    async cancelRuns({ project, runIds }: { project: string; runIds: readonly string[] }): Promise<void> {
      await cancelRuns({ runs, workflows }, project, runIds)
    },
  }
}

export type InterpretActivities = ReturnType<typeof interpretActivities>
