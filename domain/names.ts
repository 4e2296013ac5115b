/** Names of datasets, models, schedules and aliases: they become part of workflow ids and addresses. */
export const NAME_PATTERN = /^[a-z0-9][a-z0-9._-]{0,99}$/
export const NAME_RULE =
  'lower-case letters, digits, ".", "_" and "-", at most 100, starting with a letter or digit'

/** Ids of runs and of all else that has no name: UUIDs, in lower case. */
export const ID_PATTERN = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export type RunKind =
  | 'dataset'
  | 'push'
  | 'pull'
  | 'collection'
  | 'verification'
  | 'validation'
  | 'fit'
  | 'training'
  | 'rollout'
  | 'drift'
  | 'incident'
  | 'retraining'
  | 'pipeline'
  | 'map'
  | 'backfill'

/** What made a run begin. */
export type RunTrigger =
  'api' | 'schedule' | 'incident' | 'retraining' | 'alias' | 'pipeline' | 'sensor' | 'backfill'

/** Workflow id of a run: `<project>/<kind>/<name>/<runId>`, readable in Temporal Web. */
export function workflowId(run: { project: string; kind: RunKind; name: string; runId: string }): string {
  return `${run.project}/${run.kind}/${run.name}/${run.runId}`
}

/** Key of one effect: the business run, the step in it, and how often somebody asked to redo the step. */
export function effectKey(run: { runId: string; generation: number }, step: string): string {
  return `${run.runId}/${step}/g${run.generation}`
}
