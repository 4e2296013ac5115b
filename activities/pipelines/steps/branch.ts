import { caseProblems, takenCase } from '../../../domain/pipelines/branch.js'
import { inputInvalid } from '../../../domain/pipelines/invalid-input.js'
import type { StepRunner } from '../step-context.js'

/** Says which way the run takes. */
export function branchStep(): StepRunner {
  return ({ inputs, log }) => {
    const problems = caseProblems(inputs['cases'], 'cases')
    if (problems.length > 0) throw inputInvalid(problems)
    const taken = takenCase(inputs['value'] ?? null, inputs['cases']!)
    log(`${JSON.stringify(inputs['value'])} is the case ${taken}`)
    return Promise.resolve({ outputs: { taken }, taken, note: taken })
  }
}
