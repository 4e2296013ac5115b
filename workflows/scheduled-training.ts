import type { SkippedTick, TickInput, TrainModelResult } from '../contracts/temporal/messages.js'
import { runOfTick } from './scheduled-run.js'

/** One tick of a schedule that trains a model. */
export function scheduledTraining(input: TickInput): Promise<TrainModelResult | SkippedTick> {
  return runOfTick(input)
}
