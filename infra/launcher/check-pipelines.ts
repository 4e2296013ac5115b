import type { EntityManager } from 'typeorm'
import type { PipelineFacts } from '../../domain/check/pipelines.js'
import type { PoolFacts } from '../../domain/check/pools.js'

const SQL = {
  pipelineVersions: `SELECT pipeline_id AS "pipelineId", version,
      (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('name', step->'name', 'needs', step->'needs',
          'when', step->'when', 'join', step->'join')) ORDER BY place)
        FROM jsonb_array_elements(definition->'steps') WITH ORDINALITY AS listed (step, place)) AS steps
    FROM pipeline_versions ORDER BY pipeline_id, version`,
  pipelineRuns: `SELECT run_id AS "runId", generations FROM pipeline_runs ORDER BY run_id`,
  pipelineSteps: `SELECT run_id AS "runId", step, generation, state, child, log
    FROM pipeline_steps ORDER BY run_id, step, generation`,
  stepMemos: `SELECT run_id AS "runId", step, generation FROM step_outcomes ORDER BY project, key`,
  pools: `SELECT project, name, slots, updated_at AS "updatedAt" FROM pools ORDER BY project, name`,
  poolClaims: `SELECT project, pool, run_id AS "runId", step, generation, slots, granted_at AS "grantedAt"
    FROM pool_claims ORDER BY run_id, step, generation`,
} as const satisfies Record<keyof (PipelineFacts & PoolFacts), string>

/** What the database holds of pipelines and pools, as a check looks at it. */
export async function pipelineRows(transaction: EntityManager): Promise<PipelineFacts & PoolFacts> {
  const found: [string, unknown][] = []
  for (const [name, sql] of Object.entries(SQL)) found.push([name, await transaction.query(sql)])
  return Object.fromEntries(found) as unknown as PipelineFacts & PoolFacts
}
