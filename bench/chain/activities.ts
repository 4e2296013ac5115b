import { onceStep, type StepPorts } from '../../activities/step.js'
import type { RunInput } from '../../contracts/temporal/messages.js'

export function chainActivities(ports: StepPorts) {
  return {
    async emptyStep(input: RunInput, step: string): Promise<object> {
      return onceStep(ports, input, step, () => Promise.resolve({}))
    },
  }
}

export type ChainActivities = ReturnType<typeof chainActivities>
