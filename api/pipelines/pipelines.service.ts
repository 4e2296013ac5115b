import { Inject, Injectable } from '@nestjs/common'
import type { Page, PageQuery } from '../../contracts/rest/common.js'
import type {
  ApplyPipelines,
  PipelinesApplied,
  PipelineSummary,
  PipelineVersionView,
  StepTypeView,
} from '../../contracts/rest/pipeline-runs.js'
import { type ReadPipelines, readPipelines } from '../../config/pipeline-yaml.js'
import { MlforgeError, type Problem } from '../../domain/errors.js'
import { compilePipelines } from '../../domain/pipelines/compile.js'
import type { PipelineDefinition } from '../../domain/pipelines/definition.js'
import { diffDefinitions } from '../../domain/pipelines/diff.js'
import { located } from '../../domain/pipelines/problems.js'
import { STEP_TYPES, type StepType } from '../../domain/pipelines/step-types.js'
import { poolWarnings } from '../../domain/pools/warnings.js'
import type { Pipeline, PipelineVersion } from '../../stores/postgres/entities/pipeline.js'
import { PipelineStore } from '../../stores/postgres/pipeline-store.js'
import { PoolStore } from '../../stores/postgres/pool-store.js'
import { mapPage } from '../http/paging.js'
import type { Principal } from '../http/request.js'
import { invalidRequest } from '../http/validation.js'

const DEFAULT_FILE = 'mlforge.yaml'

@Injectable()
export class PipelinesService {
  constructor(
    @Inject(PipelineStore) private readonly pipelines: PipelineStore,
    @Inject(PoolStore) private readonly pools: PoolStore,
  ) {}

  /** All of them or none: what is wrong in any is found first, and told at once. */
  async apply(caller: Principal, body: ApplyPipelines): Promise<PipelinesApplied> {
    const definitions = definitionsOf(body)
    assertAllowed(caller, definitions)
    const { project, name: principal } = caller
    const dryRun = body.dryRun ?? false
    const applied = dryRun
      ? await this.pipelines.compare(project, definitions)
      : await this.pipelines.apply(project, principal, definitions)
    const slots = await this.pools.slots(project)
    return {
      dryRun,
      pipelines: applied.map(({ definition, version, sha256, before, created }) => {
        const { changed, ...diff } = diffDefinitions(before, definition)
        return {
          name: definition.name,
          version,
          sha256,
          created,
          diff: { ...diff, changed: changed.map(({ step, fields }) => ({ step, fields: [...fields] })) },
          warnings: poolWarnings(definition, slots),
        }
      }),
    }
  }

  async list({ project }: Principal, query: PageQuery): Promise<Page<PipelineSummary>> {
    return mapPage(await this.pipelines.list(project, query), summary)
  }

  async version({ project }: Principal, name: string, number?: number): Promise<PipelineVersionView> {
    return versionView(name, await this.pipelines.version(project, name, number))
  }

  async versions({ project }: Principal, name: string, query: PageQuery): Promise<Page<PipelineVersionView>> {
    const page = await this.pipelines.versions(project, name, query)
    return mapPage(page, version => versionView(name, version))
  }

  async remove({ project }: Principal, name: string): Promise<void> {
    await this.pipelines.remove(project, name)
  }

  stepTypes(): Page<StepTypeView> {
    return { items: Object.entries(STEP_TYPES).map(([name, type]) => stepTypeView(name, type)) }
  }
}

function definitionsOf({ source, file = DEFAULT_FILE, pipelines }: ApplyPipelines): PipelineDefinition[] {
  if ((source === undefined) === (pipelines === undefined)) {
    throw invalidRequest([{ at: 'source', message: 'Give either source or pipelines.' }])
  }
  const read = source === undefined ? compiledFrom(pipelines) : readPipelines(source, file)
  if (read.problems.length > 0) throw invalid(read.problems)
  return [...read.definitions]
}

/** Definitions that have no lines: their problems are under the paths of the body. */
function compiledFrom(pipelines: unknown): ReadPipelines {
  const { definitions, problems } = compilePipelines(pipelines, ['pipelines'])
  return { definitions, problems: problems.map(located) }
}

function invalid(problems: readonly Problem[]): MlforgeError {
  const [first] = problems
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more, see problems)` : ''
  return new MlforgeError('pipeline_invalid', `${first!.at}: ${first!.message}${more}`, { problems })
}

/** A script runs on the machines of the workers, with what they may do. */
function assertAllowed({ role }: Principal, definitions: readonly PipelineDefinition[]): void {
  if (role === 'admin') return
  for (const { name, steps } of definitions) {
    const script = steps.find(({ uses }) => uses === 'script')
    if (!script) continue
    throw new MlforgeError(
      'forbidden',
      `Step "${script.name}" of pipeline "${name}" runs a command on the workers: only the role admin may apply it.`,
    )
  }
}

function summary({ name, version, createdAt }: Pipeline): PipelineSummary {
  return { name, version, createdAt: createdAt.toISOString() }
}

function versionView(
  name: string,
  { version, sha256, principal, createdAt, definition }: PipelineVersion,
): PipelineVersionView {
  return { name, version, sha256, principal, createdAt: createdAt.toISOString(), definition }
}

function stepTypeView(name: string, type: StepType): StepTypeView {
  const { description, version, timeoutSeconds, maxAttempts, cache } = type
  return {
    name,
    description,
    version,
    inputs: Object.entries(type.inputs).map(([input, spec]) => ({
      name: input,
      type: spec.type,
      needed: spec.default === undefined && spec.optional !== true,
      default: spec.default ?? null,
      choices: spec.choices ? [...spec.choices] : null,
      description: spec.description,
    })),
    outputs: Object.entries(type.outputs).map(([output, spec]) => ({
      name: output,
      type: spec.type,
      description: spec.description,
    })),
    timeoutSeconds,
    maxAttempts,
    cache,
  }
}
