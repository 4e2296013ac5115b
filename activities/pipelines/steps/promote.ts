import type { Ports } from '../../ports.js'
import type { StepRunner } from '../step-context.js'

/** Moves an alias, in the transaction that ends the step. */
export function promoteStep({ models }: Pick<Ports, 'models'>): StepRunner {
  return async ({ project, runId, step, inputs }) => {
    const [model, alias, version] = [
      String(inputs['model']),
      String(inputs['alias']),
      Number(inputs['version']),
    ]
    return async transaction => {
      const previous = (await models.aliased(project, model, alias))?.version ?? null
      await models.moveAliasIn(transaction, project, model, alias, {
        version,
        principal: `pipeline:${runId}`,
        reason: `step ${step} of pipeline run ${runId}`,
      })
      return { outputs: { version, previous }, note: `${alias} is version ${version}` }
    }
  }
}
