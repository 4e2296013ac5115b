import type { Config } from '../../config/config.js'
import type {
  PipelineRun,
  PipelineRunStep,
  PipelineRunSummary,
  StepCompensation,
} from '../../contracts/rest/pipeline-runs.js'
import type { PipelineLive, PipelineRunRequest, StepOutcome } from '../../contracts/temporal/pipelines.js'
import { compensationOf } from '../../domain/pipelines/compensations.js'
import type { PipelineDefinition, StepSpec } from '../../domain/pipelines/definition.js'
import { describeGate } from '../../domain/pipelines/gates.js'
import { generationOf } from '../../domain/pipelines/generations.js'
import { graphOf, settle, type StepState } from '../../domain/pipelines/progress.js'
import { isOpen } from '../../domain/runs/run-status.js'
import type { LedgerStep } from '../../stores/postgres/entities/ledger-step.js'
import type { PipelineStep } from '../../stores/postgres/entities/pipeline.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import type { QueuedClaim } from '../../stores/postgres/pool-store.js'
import { outputNames } from './step-outputs.js'
import { operationView, problemView } from '../runs/run-view.js'

export function pipelineRunSummary(run: Run, temporal: Config['temporal']): PipelineRunSummary {
  const { version } = run.request as PipelineRunRequest
  return { ...operationView(run, temporal), pipeline: run.name, version }
}

/** What is known of the steps of a run. */
export interface RunSteps {
  readonly definition: PipelineDefinition
  readonly generations: Readonly<Record<string, number>>
  readonly rows: readonly PipelineStep[]
  readonly finished: readonly LedgerStep[]
  /** What of it waits for slots, or for the run's turn. */
  readonly queued: readonly QueuedClaim[]
}

export function pipelineRunView(
  run: Run,
  temporal: Config['temporal'],
  known: RunSteps,
  live: PipelineLive | null,
): PipelineRun {
  const { sha256, parameters, pins = [], suites = [], code = null } = run.request as PipelineRunRequest
  return {
    ...pipelineRunSummary(run, temporal),
    sha256,
    parameters: { ...parameters },
    pins: pins.map(pin => ({ ...pin })),
    suites: suites.map(pin => ({ ...pin })),
    priority: run.priority,
    code,
    queued: turnView(known.queued),
    steps: stepViews(run, known),
    live: live && liveView(live),
  }
}

function liveView({ stage, paused = null, open = [] }: PipelineLive): PipelineRun['live'] {
  return {
    stage,
    paused,
    open: open.map(({ step, gate }) => ({
      step,
      what: describeGate(gate),
      roles: gate.roles && [...gate.roles],
      expiresAt: new Date(gate.expires).toISOString(),
    })),
  }
}

function turnView(queued: readonly QueuedClaim[]): PipelineRun['queued'] {
  const turn = queued.find(({ step }) => step === '')
  return turn ? { position: turn.position } : null
}

function queuedView(claim: QueuedClaim | undefined): PipelineRunStep['queued'] {
  return claim ? { pool: claim.pool, slots: claim.slots, position: claim.position } : null
}

/** Rows are of steps that have begun; what has become of the others follows from these. */
function stepViews(
  run: Run,
  { definition, generations, rows, finished, queued }: RunSteps,
): PipelineRunStep[] {
  const own = <T extends { step: string; generation: number }>(items: readonly T[], spec: StepSpec) =>
    items.find(
      ({ step, generation }) => step === spec.name && generation === generationOf(generations, spec.name),
    )
  const states = definition.steps.map((spec): StepState => {
    if (own(finished, spec)) return 'succeeded'
    const state = own(rows, spec)?.state ?? 'waiting'
    // What failed in an earlier attempt is not begun in this one.
    return isOpen(run.status) && state !== 'running' && own(rows, spec)?.attempt !== run.attempt
      ? 'waiting'
      : state
  })
  const taken = definition.steps.flatMap((spec, at) => {
    const way = (own(finished, spec)?.outcome as StepOutcome | undefined)?.taken
    return way === undefined ? [] : [[at, way] as const]
  })
  const timesOf = (path: string) =>
    finished.flatMap(({ step, generation }) => (step === path ? [generation] : []))
  // Each step that is undone before it has raised its generation once more.
  const isUndone = ({ name }: StepSpec) => {
    const last = Math.max(0, ...timesOf(name))
    return last < generationOf(generations, name) && timesOf(compensationOf(name)).includes(last)
  }
  const settled = settle(graphOf(definition), states, new Map(taken))
  return definition.steps.map((spec, at) => {
    const row = own(rows, spec)
    const outcome = own(finished, spec)?.outcome as StepOutcome | undefined
    return {
      name: spec.name,
      uses: spec.uses,
      needs: [...spec.needs],
      state: closed(run, settled[at]!, isUndone(spec)),
      generation: generationOf(generations, spec.name),
      attempt: row?.attempt ?? null,
      tries: row?.tries ?? 0,
      startedAt: row?.startedAt.toISOString() ?? null,
      endedAt: row?.endedAt?.toISOString() ?? null,
      queued: queuedView(own(queued, spec)),
      inputs: row?.inputs ?? null,
      outputs: outcome?.outputs ?? outcome?.outputsAt ?? null,
      note: outcome?.note ?? null,
      cachedFrom: outcome?.cachedFrom ? { ...outcome.cachedFrom } : null,
      error: row ? problemView(row) : null,
      child: row?.child ?? null,
      compensation: compensationView(run, spec, rows, finished),
      links: {
        log: `/v1/pipeline-runs/${run.id}/steps/${spec.name}/log`,
        outputs: outputLinks(run, spec, outcome),
        child: row?.child ? `/v1/operations/${row.child}` : null,
      },
    }
  })
}

/** Where the outputs of a step are, by their names; nowhere before it has succeeded. */
function outputLinks(run: Run, spec: StepSpec, outcome: StepOutcome | undefined): Record<string, string> {
  const names = outcome ? outputNames(spec, outcome) : []
  return Object.fromEntries(
    names.map(name => [name, `/v1/pipeline-runs/${run.id}/steps/${spec.name}/outputs/${name}`]),
  )
}

/** What has undone a step, the last time that something did. */
function compensationView(
  run: Run,
  { name, compensate }: StepSpec,
  rows: readonly PipelineStep[],
  finished: readonly LedgerStep[],
): StepCompensation | null {
  const path = compensationOf(name)
  const row = rows
    .filter(({ step }) => step === path)
    .reduce<PipelineStep | null>((a, b) => (a !== null && a.generation > b.generation ? a : b), null)
  if (row === null) return null
  const { generation, state, inputs, startedAt, endedAt, child } = row
  const done = finished.find(({ step, generation: of }) => step === path && of === generation)
  return {
    uses: compensate!.uses,
    state: state as StepCompensation['state'],
    generation,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
    inputs,
    note: (done?.outcome as StepOutcome | undefined)?.note ?? null,
    error: problemView(row),
    child,
    links: { log: `/v1/pipeline-runs/${run.id}/steps/${path}/log?generation=${generation}` },
  }
}

/** Nothing waits in a run that has ended, and nothing of a step counts any more that was undone. */
function closed(run: Run, state: StepState, isUndone: boolean): StepState {
  if (isUndone && (state === 'waiting' || state === 'blocked')) return 'undone'
  return state === 'waiting' && !isOpen(run.status) ? 'blocked' : state
}
