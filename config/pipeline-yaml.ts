import type { Problem } from '../domain/errors.js'
import { compilePipeline, compilePipelines } from '../domain/pipelines/compile.js'
import type { PipelineDefinition } from '../domain/pipelines/definition.js'
import type { PipelineProblem } from '../domain/pipelines/problems.js'
import { readStrictYaml } from './strict-yaml.js'

export interface ReadPipelines {
  readonly definitions: readonly PipelineDefinition[]
  /** Everything that is wrong, each with `file:line:column`. */
  readonly problems: readonly Problem[]
}

/**
 * The pipelines of a text: those under `pipelines` of an mlforge.yaml, whose other keys are not looked at, or
 * one that stands alone. JSON is YAML too.
 * @param file how problems call it
 */
export function readPipelines(text: string, file: string): ReadPipelines {
  const read = readStrictYaml(text, file)
  if ('problems' in read) return { definitions: [], problems: read.problems }
  const { definitions, problems } = compiled(read.value)
  return {
    definitions,
    problems: problems.map(({ path, message }) => ({ at: read.at(path), message })),
  }
}

function compiled(value: unknown): {
  readonly definitions: readonly PipelineDefinition[]
  readonly problems: readonly PipelineProblem[]
} {
  const given = isObject(value) ? value : {}
  if (given['pipelines'] !== undefined) return compilePipelines(given['pipelines'], ['pipelines'])
  if (given['steps'] === undefined) {
    const message = 'There is no "pipelines" in it, and it is no pipeline itself: it has no "steps".'
    return { definitions: [], problems: [{ path: [], message }] }
  }
  const { definition, problems } = compilePipeline(value)
  return { definitions: definition ? [definition] : [], problems }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
