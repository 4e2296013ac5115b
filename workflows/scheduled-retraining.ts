import type { SkippedTick, TickInput } from '../contracts/temporal/messages.js'
import type { RetrainDeploymentResult } from '../contracts/temporal/retraining.js'
import { runOfTick } from './scheduled-run.js'

/** One tick of a schedule that retrains a deployment. */
export function scheduledRetraining(input: TickInput): Promise<RetrainDeploymentResult | SkippedTick> {
  return runOfTick(input)
}
