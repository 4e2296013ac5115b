import type { Ports } from '../../ports.js'
import type { StepRunner } from '../step-context.js'

/** Moves an alias, in the transaction that ends the step. What is to name nothing, and does, stays so. */
export function promoteStep({ models }: Pick<Ports, 'models'>): StepRunner {
  return async ({ project, runId, step, inputs }) => {
    const [model, alias] = [String(inputs['model']), String(inputs['alias'])]
    const version = inputs['version'] === null ? null : Number(inputs['version'])
    return async transaction => {
      const previous = (await models.aliased(project, model, alias))?.version ?? null
      if (previous !== version) {
        await models.moveAliasIn(transaction, project, model, alias, {
          version,
          principal: `pipeline:${runId}`,
          reason: `step ${step} of pipeline run ${runId}`,
        })
      }
      return {
        outputs: { version, previous },
        note: `${alias} is ${version === null ? 'nothing' : `version ${version}`}`,
      }
    }
  }
}
