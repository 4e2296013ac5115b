import { proxyActivities } from '@temporalio/workflow'
import type { TransformationActivities } from '../activities/transformations.js'
import type { FitLive, FitResult } from '../contracts/temporal/fits.js'
import type { RunInput } from '../contracts/temporal/messages.js'
import { dataWork } from './activity-presets.js'
import { asRun } from './run-shell.js'

/** Learns from the rows of a dataset what its steps need: a version of the transformation. */
export async function fitTransformation(input: RunInput): Promise<FitResult> {
  const { fitVersion } = proxyActivities<TransformationActivities>(dataWork(input.limits))

  return asRun<FitLive, FitResult>(input, { stage: 'fit' }, async run => {
    const { version, sha256, rows, created } = await fitVersion(input)
    run.show('rows', String(rows))
    run.show('version', created ? String(version) : `${version} (unchanged)`)
    return { outcome: 'succeeded', version, sha256 }
  })
}
