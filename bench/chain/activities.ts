import type { Ports } from '../../activities/ports.js'
import { onceStep } from '../../activities/step.js'
import type { RunInput } from '../../contracts/temporal/messages.js'

export function chainActivities({ ledger }: Pick<Ports, 'ledger'>) {
  return {
    async emptyStep(input: RunInput, step: string): Promise<object> {
      return onceStep(ledger, input, step, () => Promise.resolve({}))
    },
  }
}

export type ChainActivities = ReturnType<typeof chainActivities>
