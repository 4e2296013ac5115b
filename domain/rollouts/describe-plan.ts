import type { Gate } from './gates.js'
import type { RolloutPlan, Step } from './steps.js'

/** The lines a dry run prints: what will happen, in order, and what was left out and why. */
export function describePlan(plan: RolloutPlan): string[] {
  const against =
    plan.stable === null ? 'the first version of the deployment' : `against version ${plan.stable}`
  return [
    `${plan.strategy}: version ${plan.candidate}, ${against}`,
    ...plan.notes.map(note => `note: ${note}`),
    ...plan.steps.flatMap((step, index) => lines(step, plan).map((line, at) => prefix(index, at) + line)),
  ]
}

function prefix(index: number, line: number): string {
  return line === 0 ? `${index + 1}. ` : '   - '
}

function lines(step: Step, plan: RolloutPlan): string[] {
  const { candidate, stable } = plan
  switch (step.kind) {
    case 'preflight':
      return ['preflight: the model loads, its signature fits, golden rows, memory, latency']
    case 'setWeight':
      return [
        stable === null
          ? `version ${candidate} answers all rows`
          : `version ${candidate} answers ${step.percent} %, version ${stable} ${100 - step.percent} %, once every replica has both ready`,
      ]
    case 'mirror':
      return [
        step.percent === 0
          ? 'mirroring ends'
          : `version ${candidate} also scores ${step.percent} % of keys as a shadow; callers do not see it`,
      ]
    case 'analyse':
      return [
        `analyse until ${step.minRows} labelled rows and a verdict; without one after ${step.deadlineSeconds} s: ${withoutVerdict(plan)}`,
        ...step.gates.map(describeGate),
      ]
    case 'pause':
      return [step.seconds === null ? 'pause until somebody promotes' : `pause for ${step.seconds} s`]
    case 'approve':
      return [`wait for approval by ${step.roles.join(' or ')}`]
    case 'promote':
      return [
        `promote: version ${candidate} becomes stable with 100 % and champion${plan.keepPrevious ? `; version ${stable} stays loaded` : ''}`,
      ]
  }
}

function withoutVerdict(plan: RolloutPlan): string {
  return plan.strategy === 'shadow' ? 'report as it is' : 'hold'
}

function describeGate(gate: Gate): string {
  if (gate.kind === 'rank') {
    return `rank: Spearman below ${gate.minCorrelation} after ${gate.minPairs} mirrored rows fails`
  }
  const rows = gate.on === 'split' ? 'rows of each arm' : 'mirrored rows'
  return (
    `error: confidence sequence (alpha ${gate.alpha}, N* ${gate.tunedAt}) of the difference in mean |error|, ` +
    `from ${gate.minUnits} labelled ${rows}: above 0 fails, below +${percentOf(gate.maxIncrease)} % passes`
  )
}

function percentOf(share: number): string {
  return String(Number((share * 100).toPrecision(6)))
}
