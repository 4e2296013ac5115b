import { proxyActivities } from '@temporalio/workflow'
import type { ValidationActivities } from '../activities/validations.js'
import type { DatasetValidateResult, ValidationLive } from '../contracts/temporal/dataset-validation.js'
import type { RunInput } from '../contracts/temporal/messages.js'
import { dataWork } from './activity-presets.js'
import { asRun } from './run-shell.js'

/** Whether a version of a dataset is as its suite expects: refused where it is not. */
export async function datasetValidate(input: RunInput): Promise<DatasetValidateResult> {
  const { validateVersion } = proxyActivities<ValidationActivities>(dataWork(input.limits))

  return asRun<ValidationLive, DatasetValidateResult>(input, { stage: 'validate' }, async run => {
    const { refused, warned, expectations, failed } = await validateVersion(input)
    run.warn(warned)
    run.show('expectations', `${expectations}, ${failed} failed, ${warned.length} warned`)
    const found = { expectations, failed, warned: warned.length }
    return refused ? { outcome: 'refused', error: refused, ...found } : { outcome: 'succeeded', ...found }
  })
}
