import { strategyOfStep } from '../../../domain/pipelines/requests.js'
import type { RolloutSpec } from '../../../domain/rollouts/spec.js'
import { NOT_RETRIED } from '../../../domain/runs/retry-policy.js'
import type { Ports } from '../../ports.js'
import type { ChildKind } from '../child-steps.js'

/** A rollout. One that somebody else has begun is waited for, and never replaced. */
export function deployStep({ deployments }: Pick<Ports, 'deployments'>): ChildKind {
  return {
    async request({ project, runId, step }, inputs) {
      const deployment = await deployments.get(project, String(inputs['deployment']))
      const spec: RolloutSpec = {
        deployment: deployment.name,
        model: deployment.model,
        candidate: { version: Number(inputs['version']) },
        strategy: strategyOfStep(inputs['strategy'] ?? null),
        force: null,
        reason: `step ${step} of pipeline run ${runId}`,
      }
      // What it cannot do is refused by the rollout itself, with the reason.
      return { kind: 'rollout', name: deployment.name, request: spec, retryPolicy: NOT_RETRIED }
    },

    outputs(_, { id, request }) {
      const { candidate } = request as RolloutSpec
      return Promise.resolve({ rollout: id, version: 'version' in candidate ? candidate.version : null })
    },
  }
}
