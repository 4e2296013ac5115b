import type { PipelineRunRequest, StepInput, StepOutcome } from '../../contracts/temporal/pipelines.js'
import type { Json } from '../../domain/canonical-json.js'
import { MlforgeError, type Problem } from '../../domain/errors.js'
import { compensatedBy } from '../../domain/pipelines/compensations.js'
import type { InnerStep, PipelineDefinition } from '../../domain/pipelines/definition.js'
import { inputInvalid } from '../../domain/pipelines/invalid-input.js'
import { type Reference, referencesIn, resolveValue, valueAt } from '../../domain/pipelines/references.js'
import { type StepType, stepType } from '../../domain/pipelines/step-types.js'
import { completeInputs } from '../../domain/pipelines/value-types.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { readJson } from '../objects.js'
import type { Ports } from '../ports.js'
import { itemAt } from './map-items.js'

/** A step of a run with everything that it is given. */
export interface ReadStep {
  readonly spec: InnerStep
  readonly type: StepType
  readonly inputs: Readonly<Record<string, Json>>
}

type ReadPorts = Pick<Ports, 'runs' | 'ledger' | 'pipelineRuns' | 'objects'>

/**
 * Reads what a step is to do: its definition, and the outputs of the steps before it.
 * @throws MlforgeError step_input_invalid where these are not what the step takes
 */
export async function readStep(ports: ReadPorts, input: StepInput): Promise<ReadStep> {
  const { project, runId, step, item } = input
  const run = await ports.runs.get(project, runId)
  const spec = specOf(await ports.pipelineRuns.definitionOf(run), input)
  const type = spec && stepType(spec.uses)
  if (!spec || !type) throw new MlforgeError('internal', `Run ${runId} has no step "${step}".`)
  const outputs = await outputsBefore(ports, runId, spec)
  const at = item && { index: item.index, value: await itemAt(ports.objects, item) }
  const given = resolveValue(spec.with, reference => valueOf(run, reference, outputs, at))
  const { inputs, problems: ofTypes } = completeInputs(type.inputs, given as Readonly<Record<string, Json>>)
  const problems = ofTypes.length > 0 ? ofTypes : strangerProblems(type, inputs, project)
  if (problems.length === 0) return { spec, type, inputs: pinned(run, step, inputs) }
  throw inputInvalid(problems, `Step "${step}" cannot work with what it is given.`)
}

/** What the run was pinned to when it was taken on. */
function pinned({ request }: Run, step: string, inputs: ReadStep['inputs']): ReadStep['inputs'] {
  const { pins, suites } = request as PipelineRunRequest
  const pin = pins?.find(each => each.step === step)
  const suite = suites?.find(each => each.step === step)
  return {
    ...inputs,
    ...(pin && { dataset: `${pin.dataset}@${pin.version}` }),
    ...(suite && { suite: `${suite.dataset}@${suite.version}` }),
  }
}

/** Tables and files are those of the project: a definition may write out where one is. */
function strangerProblems(type: StepType, inputs: ReadStep['inputs'], project: string): Problem[] {
  const strange = (value: Json | undefined, at: string): Problem[] => {
    const { uri } = (value ?? {}) as { uri?: unknown }
    const isOwn = typeof uri === 'string' && uri.startsWith(`${project}/`)
    return isOwn ? [] : [{ at, message: `Is no content of project ${project}.` }]
  }
  return Object.entries(type.inputs).flatMap(([name, { type: of }]) => {
    const value = inputs[name]
    if (value === undefined) return []
    if (of === 'table' || of === 'file') return strange(value, name)
    if (of !== 'tables') return []
    const tables = Object.entries(value as Readonly<Record<string, Json>>)
    return tables.flatMap(([key, table]) => strange(table, `${name}.${key}`))
  })
}

/** The step itself, what undoes it, or what a map does with each item. */
function specOf({ steps }: PipelineDefinition, { step, item }: StepInput): InnerStep | undefined {
  const undone = compensatedBy(step)
  if (undone !== null) return steps.find(({ name }) => name === undone)?.compensate
  if (!item) return steps.find(({ name }) => name === step)
  return steps.find(({ name }) => name === step.split('/', 1)[0])?.do
}

type Outputs = ReadonlyMap<string, Readonly<Record<string, Json>>>

async function outputsBefore(ports: ReadPorts, runId: string, { with: given }: InnerStep): Promise<Outputs> {
  const names = new Set(referencesIn(given).flatMap(each => (each.kind === 'step' ? [each.step] : [])))
  return names.size === 0 ? new Map() : newestOutputs(ports, runId, [...names])
}

/** What those of some steps that are finished have given last, wherever it is kept. */
export async function newestOutputs(
  { ledger, objects }: Pick<Ports, 'ledger' | 'objects'>,
  runId: string,
  names: readonly string[],
): Promise<Outputs> {
  const rows = await ledger.finished(runId, names)
  // What was reset has finished anew before this one begins: the highest generation is the one that holds.
  const newest = new Map<string, StepOutcome>()
  for (const { step, outcome } of rows.sort((a, b) => a.generation - b.generation)) {
    newest.set(step, outcome as StepOutcome)
  }
  const outputs = new Map<string, Readonly<Record<string, Json>>>()
  for (const [step, outcome] of newest) outputs.set(step, await outputsOf(objects, outcome))
  return outputs
}

/** What a step has given, wherever it is kept. */
export async function outputsOf(
  objects: Ports['objects'],
  { outputs, outputsAt }: StepOutcome,
): Promise<Readonly<Record<string, Json>>> {
  return outputs ?? (outputsAt ? readJson(objects, outputsAt.uri) : {})
}

function valueOf(
  run: Run,
  reference: Reference,
  outputs: Outputs,
  item: { readonly index: number; readonly value: Json } | undefined,
): Json {
  switch (reference.kind) {
    case 'item':
      return valueAt(item?.value ?? null, reference.path, 'The item')
    case 'index':
      return item?.index ?? null
    case 'given':
      return null
    case 'parameter':
      return valueAt(
        (run.request as PipelineRunRequest).parameters[reference.name] ?? null,
        reference.path,
        `Parameter "${reference.name}"`,
      )
    case 'run':
      return reference.field === 'id' ? run.id : run.name
    case 'step':
      return valueAt(
        outputs.get(reference.step)?.[reference.output] ?? null,
        reference.path,
        `Output "${reference.output}" of step "${reference.step}"`,
      )
  }
}
