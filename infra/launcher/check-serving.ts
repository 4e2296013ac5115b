import type { EntityManager } from 'typeorm'
import type { ServingFacts } from '../../domain/check/serving-facts.js'
import { Deployment } from '../../stores/postgres/entities/deployment.js'
import { HELD, UNKNOWN } from '../../stores/postgres/label-store.js'

/** Large numbers that JavaScript holds exactly come as such, not as text: no entity has so few columns. */
const SQL = {
  // Signatures are large and say nothing that the version's content does not.
  plans: `SELECT deployment_id AS "deploymentId", revision, plan, rollout_id AS "rolloutId",
      effect_key AS "effectKey", created_at AS "createdAt",
      (SELECT coalesce(jsonb_agg(each - 'signature'), '[]') FROM jsonb_array_elements(versions) each) AS versions
    FROM routing_plans ORDER BY deployment_id, revision`,
  replicas: `SELECT replica, deployment_id AS "deploymentId", revision, problem, address, seen_at AS "seenAt"
    FROM serving_replicas ORDER BY replica`,
  decisionLogs: `SELECT rollout_id AS "rolloutId", count(*)::int AS entries, min(number) AS first,
      max(number) AS last, (array_agg(entry->>'status' ORDER BY number DESC))[1] AS status
    FROM rollout_decisions GROUP BY rollout_id ORDER BY rollout_id`,
  segments: `SELECT project, replica, segment, uri, bytes::float8, records,
      first_sequence::float8 AS "firstSequence", last_sequence::float8 AS "lastSequence",
      sealed_at AS "sealedAt", tries, due_at AS "dueAt", ingested_at AS "ingestedAt", problem
    FROM prediction_segments ORDER BY project, replica, segment`,
  predictionFiles: `SELECT id, deployment_id AS "deploymentId", uri, bytes::float8, rows, segments, sources,
      replaced_by AS "replacedBy", deleted_at AS "deletedAt", effect_key AS "effectKey",
      matched_at IS NOT NULL AS "lookedAt"
    FROM prediction_files ORDER BY deployment_id, min_event_time, id`,
  labels: `SELECT deployment_id AS "deploymentId",
      (count(*) FILTER (WHERE revision = 0))::int AS labels,
      (count(*) FILTER (WHERE revision > 0))::int AS corrections,
      (count(*) FILTER (WHERE revision <> place))::int AS misnumbered,
      (count(*) FILTER (WHERE value = before))::int AS repeated,
      (count(*) FILTER (WHERE ${HELD}))::int AS held,
      (count(*) FILTER (WHERE ${UNKNOWN}))::int AS unknown,
      (count(*) FILTER (WHERE (matched_at IS NOT NULL OR reported_at IS NOT NULL) AND revision > 0
        OR reported_at IS NOT NULL AND received_at > coalesce(swept_until, '-infinity')))::int AS mismarked,
      swept_until::text AS "sweptUntil"
    FROM (SELECT *, row_number() OVER own - 1 AS place, lag(value) OVER own AS before
      FROM labels WINDOW own AS (PARTITION BY deployment_id, prediction_id ORDER BY revision)) AS numbered
    LEFT JOIN (SELECT deployment_id, swept_until FROM label_looks) AS looks USING (deployment_id)
    GROUP BY deployment_id, swept_until ORDER BY deployment_id`,
  driftWindows: `SELECT deployment_id AS "deploymentId", window_id AS "windowId", revision, state, breached, rows,
      labelled, report, fingerprint, effect_key AS "effectKey"
    FROM drift_windows ORDER BY deployment_id, starts_at, window_id, revision`,
  incidents: `SELECT id, deployment_id AS "deploymentId", signal, status, events,
      jsonb_array_length(state->'retrainings') AS retrainings, logged, "firstEvent", "lastEvent"
    FROM incidents CROSS JOIN LATERAL (
      SELECT count(*)::int AS logged, min(number) AS "firstEvent", max(number) AS "lastEvent"
      FROM incident_events WHERE incident_id = id) AS story
    ORDER BY opened_at, id`,
} satisfies Record<Exclude<keyof ServingFacts, 'deployments'>, string>

/** What a check looks at of deployments, as the transaction sees it. */
export async function servingRows(transaction: EntityManager): Promise<ServingFacts> {
  const deployments = await transaction.find(Deployment, {
    select: { id: true, project: true, name: true, model: true },
    order: { project: 'ASC', name: 'ASC' },
  })
  const found: Partial<Record<keyof ServingFacts, unknown>> = { deployments }
  for (const [what, sql] of Object.entries(SQL)) {
    found[what as keyof ServingFacts] = await transaction.query(sql)
  }
  return found as unknown as ServingFacts
}
