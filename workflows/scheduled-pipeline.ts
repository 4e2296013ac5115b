import type { SkippedTick, TickInput } from '../contracts/temporal/messages.js'
import type { PipelineResult } from '../contracts/temporal/pipelines.js'
import { runOfTick } from './scheduled-run.js'

/** One tick of a schedule that runs a pipeline. */
export function scheduledPipeline(input: TickInput): Promise<PipelineResult | SkippedTick> {
  return runOfTick(input)
}
