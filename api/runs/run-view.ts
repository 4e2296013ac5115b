import type { Config } from '../../config/config.js'
import type { Operation, RunProblem, WorkflowLink } from '../../contracts/rest/operations.js'
import type { DriftRequest } from '../../contracts/temporal/monitoring.js'
import { ERROR_CODES, isErrorCode, type Problem } from '../../domain/errors.js'
import { isOpen } from '../../domain/runs/run-status.js'
import type { Run } from '../../stores/postgres/entities/run.js'

const DAY_MS = 24 * 3600 * 1000

/** What every answer about a run says of it. */
export function operationView(run: Run, temporal: Config['temporal']): Operation {
  return {
    id: run.id,
    kind: run.kind,
    name: run.name,
    status: run.status,
    stage: run.stage,
    attempt: run.attempt,
    error: problemView(run),
    warnings: [...run.warnings],
    retry: {
      codes: [...run.retryPolicy.codes],
      maxAttempts: run.retryPolicy.maxAttempts,
      delaySeconds: run.retryPolicy.delaySeconds,
      nextAttemptAt: run.nextAttemptAt?.toISOString() ?? null,
      note: run.retryNote,
    },
    principal: run.principal,
    trigger: run.trigger,
    createdAt: run.createdAt.toISOString(),
    startedAt: run.startedAt?.toISOString() ?? null,
    endedAt: run.endedAt?.toISOString() ?? null,
    workflow: workflowLink(run, temporal),
    links: {
      self: selfPath(run),
      history: `/v1/operations/${run.id}/history`,
      events: eventsPath(run),
      result: resultPath(run),
    },
  }
}

/** Address of the run in this API. */
export function selfPath(run: Run): string {
  switch (run.kind) {
    case 'fit':
      return `/v1/transformations/${run.name}/fits/${run.id}`
    case 'training':
      return `/v1/trainings/${run.id}`
    case 'rollout':
      return `/v1/rollouts/${run.id}`
    case 'drift':
    case 'retraining':
    case 'map':
      return `/v1/operations/${run.id}`
    case 'incident':
      return `/v1/incidents/${run.id}`
    case 'pipeline':
      return `/v1/pipeline-runs/${run.id}`
    case 'backfill':
      return `/v1/backfills/${run.id}`
    case 'dataset':
      return `/v1/datasets/${run.name}/commits/${run.id}`
    case 'collection':
      return `/v1/data/collections/${run.id}`
    case 'verification':
      return `/v1/data/verifications/${run.id}`
    case 'validation':
      return `/v1/datasets/${run.name}/validations/${run.id}`
    case 'push':
      return `/v1/datasets/${run.name}/pushes/${run.id}`
    case 'pull':
      return `/v1/datasets/${run.name}/pulls/${run.id}`
  }
}

/** Where its changes are told as they happen: of a pipeline's run, those of its steps too. */
function eventsPath(run: Run): string {
  return run.kind === 'pipeline' || run.kind === 'backfill'
    ? `${selfPath(run)}/events`
    : `/v1/operations/${run.id}/events`
}

/** Number of the version that the run made or found, null while (or where) there is none. */
export function resultVersion(run: Run): number | null {
  const { version } = (run.result ?? {}) as { version?: unknown }
  return typeof version === 'number' ? version : null
}

/** Kinds whose result is in the run itself. */
const NO_RESULT: readonly Run['kind'][] = [
  'pipeline',
  'map',
  'backfill',
  'collection',
  'verification',
  'validation',
]

function resultPath(run: Run): string | null {
  if (run.kind === 'rollout' || run.kind === 'incident' || run.kind === 'retraining') {
    return `/v1/deployments/${run.name}`
  }
  if (run.kind === 'drift') return windowPath(run)
  if (NO_RESULT.includes(run.kind)) return null
  const version = resultVersion(run)
  if (version === null) return null
  return `/v1/${nounOf(run.kind)}/${run.name}/versions/${version}`
}

function nounOf(kind: Run['kind']): string {
  if (kind === 'fit') return 'transformations'
  return kind === 'training' ? 'models' : 'datasets'
}

function windowPath({ name, request, status }: Run): string | null {
  if (status !== 'succeeded') return null
  return `/v1/deployments/${name}/windows/${encodeURIComponent((request as DriftRequest).windowId)}`
}

/** An error as answers have it. */
export function problemView({ error }: Pick<Run, 'error'>): RunProblem | null {
  if (error === null) return null
  const { problems, ...details } = (error.details ?? {}) as { problems?: Problem[] }
  return {
    ...details,
    code: error.code,
    status: isErrorCode(error.code) ? ERROR_CODES[error.code].http : 500,
    message: error.message,
    ...(problems ? { problems } : {}),
  }
}

function workflowLink(run: Run, { webUrl, namespace, retentionDays }: Config['temporal']): WorkflowLink {
  const { workflowId, executionId, status, endedAt } = run
  const path = `workflows/${encodeURIComponent(workflowId)}/${executionId}/timeline`
  return {
    workflowId,
    webUrl: executionId === null ? null : `${webUrl.replace(/\/$/, '')}/namespaces/${namespace}/${path}`,
    webUntil:
      isOpen(status) || endedAt === null || executionId === null
        ? null
        : new Date(endedAt.getTime() + retentionDays * DAY_MS).toISOString(),
  }
}
