import type { RolloutStrategy } from '../../contracts/rest/rollouts.js'
import type { Problem } from '../../domain/errors.js'
import type { GateOptions, Strategy } from '../../domain/rollouts/strategy.js'

/** Fields of each kind, beside `kind`. */
const FIELDS: Readonly<Record<RolloutStrategy['kind'], readonly (keyof RolloutStrategy)[]>> = {
  canary: ['stops', 'mirrorPercent', 'gates', 'approve'],
  blueGreen: ['mirror', 'observeSeconds', 'gates', 'approve'],
  shadow: ['percent', 'minRows', 'deadlineSeconds', 'gates'],
  instant: [],
}

/** Fields that do not belong to the kind, and those of it that are missing. */
export function strategyFieldProblems(strategy: RolloutStrategy): Problem[] {
  const { kind } = strategy
  const known: readonly string[] = FIELDS[kind]
  const given = Object.entries(strategy).filter(([key, value]) => key !== 'kind' && value !== undefined)
  const needed = kind === 'shadow' ? (['percent', 'minRows'] as const) : []
  return [
    ...given
      .filter(([key]) => !known.includes(key))
      .map(([key]) => ({
        at: `strategy.${key}`,
        message: `is no field of ${kind}; it takes ${known.join(', ') || 'none'}.`,
      })),
    ...needed
      .filter(key => strategy[key] === undefined)
      .map(key => ({ at: `strategy.${key}`, message: 'This field is needed.' })),
  ]
}

/** The strategy as the domain has it; to be called when its fields are right. */
export function strategyOf(strategy: RolloutStrategy = { kind: 'canary' }): Strategy {
  const { kind, stops, mirrorPercent, mirror, observeSeconds, approve } = strategy
  const gates = strategy.gates ? { gates: strategy.gates as GateOptions } : {}
  switch (kind) {
    case 'canary':
      return defined({ kind, stops, mirror: mirrorPercent, ...gates, approve })
    case 'blueGreen':
      return defined({ kind, mirror, observeSeconds, ...gates, approve })
    case 'shadow': {
      const { percent, minRows, deadlineSeconds } = strategy
      return defined({ kind, percent, minRows, deadlineSeconds, ...gates })
    }
    case 'instant':
      return { kind, cause: 'force' }
  }
}

/** A plain copy without what is undefined, at every depth, as the run's row will have it. */
function defined(value: object): Strategy {
  return JSON.parse(JSON.stringify(value)) as Strategy
}
