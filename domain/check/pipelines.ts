import { generationOf } from '../pipelines/generations.js'
import { graphOf, settle, type StepShape, type StepState } from '../pipelines/progress.js'
import { isOpen } from '../runs/run-status.js'
import type { CheckProblem, StackFacts } from './facts.js'

/** Rows of pipelines, as a check reads them. */
export interface PipelineFacts {
  readonly pipelineVersions: readonly {
    readonly pipelineId: string
    readonly version: number
    readonly steps: readonly StepShape[]
  }[]
  readonly pipelineRuns: readonly {
    readonly runId: string
    readonly generations: Readonly<Record<string, number>>
  }[]
  readonly pipelineSteps: readonly PipelineStepFacts[]
  readonly stepMemos: readonly StepKeyFacts[]
}

interface StepKeyFacts {
  readonly runId: string
  readonly step: string
  readonly generation: number
}

interface PipelineStepFacts extends StepKeyFacts {
  readonly state: StepState
  readonly child: string | null
  readonly log: string | null
}

const nameOf = ({ runId, step, generation }: StepKeyFacts): string => `${runId}/${step}/g${generation}`

/**
 * Steps of pipelines and the ledger say the same: what has succeeded is in it and what is in it has
 * succeeded, a run that ended well has all its steps, one that ended has none that works, and a step that
 * a run of its own has done has one that ended well, or was refused where somebody has overridden that.
 */
export function checkPipelines(facts: StackFacts): CheckProblem[] {
  const runs = new Map(facts.runs.map(run => [run.id, run]))
  const ofPipelines = facts.ledger.filter(({ runId }) => runs.get(runId)?.kind === 'pipeline')
  const finished = new Set(ofPipelines.map(nameOf))
  const overridden = new Set(ofPipelines.filter(({ outcome }) => isOverridden(outcome)).map(nameOf))
  const rows = new Map(facts.pipelineSteps.map(row => [nameOf(row), row]))
  const problems: CheckProblem[] = []
  for (const [at, { state, runId, child }] of rows) {
    const run = runs.get(runId)
    if ((state === 'succeeded') !== finished.has(at)) {
      const message = `The step is ${state}, and ${finished.has(at) ? 'is' : 'is not'} in the ledger. One was changed by hand: restore a backup.`
      problems.push({ code: 'step_without_outcome', at, message })
    }
    if (state === 'running' && run && !isOpen(run.status)) {
      const message = `The step works in a run that is ${run.status}. Retry the run.`
      problems.push({ code: 'step_not_closed', at, message })
    }
    const by = child === null ? undefined : runs.get(child)
    if (child !== null && by === undefined) {
      const message = `The step was given to run ${child}, which does not exist. Restore a backup.`
      problems.push({ code: 'step_child_missing', at, message })
    } else if (state === 'succeeded' && by && by.status !== endOfChild(overridden.has(at))) {
      const message = `The step has succeeded by run ${by.id}, which is ${by.status}. Reset the step.`
      problems.push({ code: 'step_child_missing', at, message })
    }
  }
  for (const at of finished) {
    if (rows.has(at)) continue
    const message = 'The ledger has an outcome of a step that never began. Restore a backup.'
    problems.push({ code: 'step_without_outcome', at, message })
  }
  for (const memo of facts.stepMemos) {
    if (finished.has(nameOf(memo))) continue
    const message = 'An outcome that may be taken over is not in the ledger. Restore a backup.'
    problems.push({ code: 'step_memo_dangling', at: nameOf(memo), message })
  }
  return [...problems, ...unfinished(facts, finished)]
}

/** A gate lets data pass that its validation has refused only where somebody answers for them. */
const endOfChild = (isOverridden: boolean) => (isOverridden ? 'refused' : 'succeeded')

function isOverridden(outcome: unknown): boolean {
  return ((outcome as { outputs?: { override?: unknown } } | null)?.outputs?.override ?? null) !== null
}

function unfinished(facts: StackFacts, finished: ReadonlySet<string>): CheckProblem[] {
  const steps = new Map(
    facts.pipelineVersions.map(each => [`${each.pipelineId}/${each.version}`, each.steps]),
  )
  const generations = new Map(facts.pipelineRuns.map(each => [each.runId, each.generations]))
  const taken = new Map(
    facts.ledger.map(row => [nameOf(row), (row.outcome as { taken?: string } | null)?.taken]),
  )
  return facts.runs
    .filter(({ kind, status }) => kind === 'pipeline' && status === 'succeeded')
    .flatMap(({ id: runId, request }) => {
      const { pipelineId, version } = request as { pipelineId: string; version: number }
      const shapes = steps.get(`${pipelineId}/${version}`) ?? []
      const own = generations.get(runId) ?? {}
      const names = shapes.map(({ name }) =>
        nameOf({ runId, step: name, generation: generationOf(own, name) }),
      )
      const states = names.map((name): StepState => (finished.has(name) ? 'succeeded' : 'waiting'))
      const ways = names.flatMap((name, at) => {
        const way = taken.get(name)
        return way === undefined ? [] : [[at, way] as const]
      })
      // What a branch has left out is not done.
      const graph = graphOf({ steps: shapes, parallel: 1, onFailure: 'finish_others' })
      const settled = settle(graph, states, new Map(ways))
      return names.filter((_, at) => settled[at] === 'waiting')
    })
    .map(at => ({
      code: 'step_without_outcome' as const,
      at,
      message: 'Its run has succeeded, but the step is not in the ledger. Reset the step.',
    }))
}
