import { takenCase } from '../../../domain/pipelines/branch.js'
import type { StepRunner } from '../step-context.js'

/** Says which way the run takes. */
export function branchStep(): StepRunner {
  return ({ inputs, log }) => {
    const taken = takenCase(inputs['value'] ?? null, inputs['cases']!)
    log(`${JSON.stringify(inputs['value'])} is the case ${taken}`)
    return Promise.resolve({ outputs: { taken }, taken, note: taken })
  }
}
