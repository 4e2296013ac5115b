import type {
  DatasetValidateResult,
  ValidationRequest,
} from '../../../contracts/temporal/dataset-validation.js'
import type { OpenGate, StepAnswer, StepInput, StepReport } from '../../../contracts/temporal/pipelines.js'
import type { Json } from '../../../domain/canonical-json.js'
import { MAIN, quarantineOf, type VersionSelector } from '../../../domain/data/selector.js'
import { MlforgeError } from '../../../domain/errors.js'
import { selectorOf, suiteSelectorOf } from '../../../domain/pipelines/pins.js'
import type { RetryPolicy } from '../../../domain/runs/retry-policy.js'
import { isUnderWay } from '../../../domain/runs/run-status.js'
import { derivedId } from '../../../stores/ids.js'
import { reads, remarks } from '../../../stores/lineage-scope.js'
import type { Run } from '../../../stores/postgres/entities/run.js'
import { toFailure } from '../../failures.js'
import type { Ports } from '../../ports.js'
import { endOf } from '../child-steps.js'
import { assertYes } from '../gate-steps.js'
import type { ReadStep } from '../read-step.js'
import { answeringRoles } from '../roles.js'
import { attempt, type BegunStep, finishStep, type StepPorts, takeStep } from '../step-work.js'
import { tableOutputs } from './dataset.js'

type GatePorts = StepPorts & Pick<Ports, 'datasets' | 'suites'>

const SOONEST_MS = 1_000
const LATEST_MS = 60_000

/** A version of a dataset, and what it is checked by. */
interface Wanted {
  readonly dataset: string
  readonly request: ValidationRequest
}

/**
 * Waits until a version of a dataset is as its suite expects, or somebody lets one pass as it is. Each version is
 * checked by a run of its own, a validation, once: its results are the evidence. A newer version, or another suite,
 * is checked as soon as it is there.
 */
export async function gateStep(
  ports: GatePorts,
  input: StepInput,
  retryPolicy: RetryPolicy,
): Promise<StepReport> {
  const { step, begun } = await takeStep(ports, input)
  if ('report' in begun) return begun.report
  return attempt(ports, input, step, begun, async () => {
    const roles = answeringRoles(step.inputs['roles'] as readonly string[])
    const { child, childAttempt } = begun.row
    if (child === null) return check(ports, input, begun, await wanted(ports, input, step), retryPolicy)
    const run = await ports.runs.get(input.project, child)
    if (isUnderWay(run)) return { state: 'running', child }
    if (run.status === 'succeeded') return pass(ports, input, begun, run, null)
    if (run.status !== 'refused') {
      if (childAttempt === input.attempt) throw toFailure(endOf(run), true)
      return check(ports, input, begun, await wanted(ports, input, step), retryPolicy)
    }
    const { answer } = input
    if (answer) return pass(ports, input, begun, run, overrideOf(input, answer))
    const next = await wanted(ports, input, step)
    return isSame(next, run) ? open(step, begun, roles) : check(ports, input, begun, next, retryPolicy)
  })
}

/** The version that is the newest now, and the suite that is the current one. */
async function wanted(
  { datasets, suites }: GatePorts,
  { project }: StepInput,
  { inputs }: ReadStep,
): Promise<Wanted> {
  const { name: dataset, selector } = selectorOf(String(inputs['dataset']))
  const { dataset: of, version: number } = suiteSelectorOf(String(inputs['suite'] ?? dataset))
  if (of !== dataset) {
    throw new MlforgeError('step_input_invalid', `The suite is of "${of}", and the version of "${dataset}".`)
  }
  const version = await newestOf(datasets, project, dataset, selector)
  const suite = await suites.version(project, dataset, number ?? undefined)
  return { dataset, request: { version, suite: { version: suite.version, sha256: suite.sha256 } } }
}

/** What is selected; of a branch what is in its quarantine, where that came later. */
async function newestOf(
  datasets: GatePorts['datasets'],
  project: string,
  dataset: string,
  selector: VersionSelector,
): Promise<number> {
  const branch = branchOf(selector)
  const aside =
    branch === null
      ? null
      : await datasets.find(project, dataset, { kind: 'ref', name: quarantineOf(branch) })
  if (aside === null) return (await datasets.table(project, dataset, selector)).version
  const found = await datasets.find(project, dataset, selector)
  const isNewer = found === null || found.version < aside.version
  return (await datasets.table(project, dataset, isNewer ? aside.version : selector)).version
}

function branchOf(selector: VersionSelector): string | null {
  if (selector.kind === 'latest') return MAIN
  return selector.kind === 'ref' ? selector.name : null
}

function isSame({ dataset, request: { version, suite } }: Wanted, run: Run): boolean {
  const before = run.request as ValidationRequest
  return run.name === dataset && before.version === version && before.suite.sha256 === suite.sha256
}

async function check(
  { ledger, runs, pipelineRuns }: GatePorts,
  input: StepInput,
  { fence }: BegunStep,
  { dataset, request }: Wanted,
  retryPolicy: RetryPolicy,
): Promise<StepReport> {
  const { project, runId, step, generation, attempt: ofRun } = input
  const { version, suite } = request
  const id = derivedId(runId, step, `g${generation}`, `a${ofRun}`, `v${version}`, `s${suite.version}`)
  const { priority } = await runs.get(project, runId)
  await ledger.fenced(fence, async transaction => {
    await runs.acceptIn(transaction, {
      kind: 'validation',
      name: dataset,
      request,
      retryPolicy,
      id,
      project,
      principal: `pipeline:${runId}`,
      trigger: 'pipeline',
      priority,
    })
    await pipelineRuns.setChild(transaction, input, id, ofRun)
  })
  return { state: 'running', child: id }
}

function open({ spec, type }: ReadStep, { row }: BegunStep, roles: readonly string[]): StepReport {
  const began = row.startedAt.getTime()
  const gate: OpenGate = {
    kind: 'approval',
    roles,
    needsReason: true,
    until: null,
    expires: began + (spec.timeoutSeconds ?? type.timeoutSeconds) * 1000,
    // Looks for another version get rarer the longer it waits.
    remindEveryMs: Math.min(LATEST_MS, Math.max(SOONEST_MS, (Date.now() - began) / 10)),
  }
  return { state: 'open', gate }
}

/** @throws MlforgeError approval_rejected, approval_expired */
function overrideOf(input: StepInput, answer: StepAnswer): { by: string; reason: string } {
  assertYes(input, answer)
  if (answer.kind !== 'approve') throw new MlforgeError('internal', `${answer.kind} approves nothing.`)
  return { by: answer.by, reason: answer.reason ?? '' }
}

async function pass(
  ports: GatePorts,
  input: StepInput,
  { fence }: BegunStep,
  run: Run,
  override: { by: string; reason: string } | null,
): Promise<StepReport> {
  const { version, suite } = run.request as ValidationRequest
  const found = await ports.datasets.table(input.project, run.name, version)
  const { failed = 0 } = (run.result ?? {}) as Partial<DatasetValidateResult>
  const outputs: Record<string, Json> = {
    ...tableOutputs(run.name, found),
    suite: { dataset: run.name, ...suite },
    validation: run.id,
    override,
  }
  reads({ kind: 'report', run: run.id })
  if (override !== null) remarks({ override })
  const passed = override === null ? 'as expected' : `${failed} not as expected, passed by ${override.by}`
  const outcome = { outputs, note: `${run.name}@${version}, ${passed}` }
  return finishStep(ports, input, fence, { effect: () => Promise.resolve(outcome), memo: null })
}
