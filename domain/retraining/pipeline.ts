import type { Json } from '../canonical-json.js'
import type { Problem } from '../errors.js'
import type { PipelineDefinition, StepSpec } from '../pipelines/definition.js'
import { givenProblems } from '../pipelines/given-parameters.js'
import { soleReference } from '../pipelines/references.js'
import { didYouMean } from '../suggest.js'
import type { PipelineRetrainingPolicy } from './policy.js'
import { retrainingSplit } from './set.js'

/** What the parameters of a retraining's pipeline may refer to, as in `${{ retraining.dataset }}`. */
export const RETRAINING_FACTS = ['dataset', 'deployment', 'model', 'dataUntil', 'holdout'] as const

/** What a run of a pipeline is to give: a version of the deployment's model. */
export interface Retrains {
  readonly deployment: string
  readonly model: string
  /** Name of the step that registers it. */
  readonly step: string
}

/**
 * What a retraining tells its pipeline: the set as `name@version`, and the days that are held out.
 * @param version of the policy's dataset
 * @param dataUntil event time, epoch milliseconds, not included
 */
export function retrainingFacts(
  { dataset, timeColumn, holdout }: Pick<PipelineRetrainingPolicy, 'dataset' | 'timeColumn' | 'holdout'>,
  { deployment, model }: Pick<Retrains, 'deployment' | 'model'>,
  version: number,
  dataUntil: number,
): Readonly<Record<(typeof RETRAINING_FACTS)[number], Json>> {
  const { from, until } = retrainingSplit(timeColumn, holdout, dataUntil).holdout
  return {
    dataset: `${dataset}@${version}`,
    deployment,
    model,
    dataUntil: new Date(dataUntil).toISOString(),
    holdout: { from: from!, until },
  }
}

/**
 * Which step of a pipeline gives a retraining its version: the one that the policy names, else the only one
 * that trains or registers the model.
 * @returns the name of the step, or why there is none
 */
export function versionStep(
  { steps, name }: Pick<PipelineDefinition, 'name' | 'steps'>,
  model: string,
  wanted: string | undefined,
): { readonly step: string } | Problem {
  const giving = steps.filter(step => gives(step, model)).map(step => step.name)
  if (wanted !== undefined) {
    if (giving.includes(wanted)) return { step: wanted }
    const message = `Pipeline "${name}" has no step "${wanted}" that trains or registers model "${model}".${didYouMean(wanted, giving)}`
    return { at: 'pipeline.step', message }
  }
  const [only, ...others] = giving
  if (only === undefined) {
    const message = `No step of pipeline "${name}" trains or registers model "${model}": nothing would be rolled out.`
    return { at: 'pipeline.name', message }
  }
  if (others.length === 0) return { step: only }
  const message = `Steps ${giving.join(', ')} of pipeline "${name}" train or register model "${model}": say which one gives the version.`
  return { at: 'pipeline.step', message }
}

/** Everything for which a retraining by a pipeline could not end well, as far as its definition says. */
export function pipelineProblems(
  { pipeline }: PipelineRetrainingPolicy,
  model: string,
  definition: PipelineDefinition,
): Problem[] {
  const given = givenProblems(definition, pipeline.parameters, {
    root: 'retraining',
    known: RETRAINING_FACTS,
  })
  const step = versionStep(definition, model, pipeline.step)
  const deploys = definition.steps.find(({ uses }) => uses === 'deploy')
  return [
    ...given.map(({ at, message }) => ({ at: `pipeline.${at}`, message })),
    ...('at' in step ? [step] : []),
    ...(deploys === undefined
      ? []
      : [
          {
            at: 'pipeline.name',
            message: `Step "${deploys.name}" of pipeline "${definition.name}" rolls out, which is what the retraining does after it. Name one that ends with the version.`,
          },
        ]),
  ]
}

/** Of a step whose model is known only in the run it is not known that it does not. */
function gives({ uses, with: inputs }: StepSpec, model: string): boolean {
  if (uses !== 'train' && uses !== 'register') return false
  const named = inputs['model']
  return named === model || (typeof named === 'string' && soleReference(named) !== null)
}
