import type { EntityManager } from 'typeorm'
import type { DatasetVersion } from './entities/dataset.js'
import { RUN_UNDER_WAY } from './lease-sql.js'

/** Steps say in these where an object is that says something of the rows of a table, or is the table. */
const REPORTS = ['report', 'profile', 'description']
const TABLES = ['raw', 'parquet', 'quarantine']

const urisIn = (keys: readonly string[]) => keys.map(key => `(l.outcome->'${key}'->>'uri')`).join(', ')

/**
 * Objects `report.uri` that say something of the rows of a version `v` of a dataset `d`: of runs `r` that have made
 * or found it, and of those that have checked it.
 */
export const REPORTS_OF_VERSIONS = `runs r
  LEFT JOIN ledger_steps c ON c.run_id = r.id AND c.step = 'commit' AND r.kind = 'dataset'
  JOIN datasets d ON d.project = r.project AND d.name = r.name AND r.kind IN ('dataset', 'validation')
  JOIN dataset_versions v ON v.dataset_id = d.id
    AND v.version::text = coalesce(c.outcome->>'version', r.request->>'version')
  JOIN ledger_steps l ON l.run_id = r.id
  CROSS JOIN LATERAL (VALUES ${urisIn(REPORTS)}) AS report(uri)`

/** Runs that have made, found or checked a version, or were to make one of the same bytes or files. */
export async function runsAbout(
  manager: EntityManager,
  { dataset: { project, name }, version, raw, manifest }: DatasetVersion,
): Promise<string[]> {
  const rows: { id: string }[] = await manager.query(
    `SELECT DISTINCT r.id FROM runs r
     LEFT JOIN ledger_steps s ON s.run_id = r.id AND s.step IN ('ingest', 'commit')
     WHERE r.project = $1 AND r.name = $2 AND (
       (r.kind = 'validation' AND r.request->>'version' = $3)
       OR (r.kind = 'dataset' AND (
         s.outcome->>'version' = $3 OR $4 IN (r.request->'upload'->>'uri', s.outcome->'raw'->>'uri')))
       OR (r.kind = 'push' AND (s.outcome->>'version' = $3 OR r.request->>'manifest' = $5)))
     ORDER BY r.id`,
    [project, name, String(version), raw?.uri ?? null, manifest],
  )
  return rows.map(({ id }) => id)
}

/** Objects that steps of some runs name: tables, and what says something of their rows. */
export async function objectsOfRuns(manager: EntityManager, runs: readonly string[]): Promise<string[]> {
  const rows: { uri: string }[] = await manager.query(
    `SELECT DISTINCT named.uri FROM ledger_steps l
     CROSS JOIN LATERAL (VALUES ${urisIn([...REPORTS, ...TABLES])}) AS named(uri)
     WHERE l.run_id = ANY($1::uuid[]) AND named.uri IS NOT NULL ORDER BY named.uri`,
    [runs],
  )
  return rows.map(({ uri }) => uri)
}

/** Errors of some runs keep their code: the rest may have values of rows in it. */
export async function eraseErrors(
  manager: EntityManager,
  runs: readonly string[],
  message: string,
): Promise<void> {
  const erased = (error: string) =>
    `jsonb_build_object('code', ${error}->'code', 'message', $2::text, 'details', '{}'::jsonb)`
  await manager.query(
    `UPDATE runs SET error = ${erased('error')} WHERE id = ANY($1::uuid[]) AND error ? 'code'`,
    [runs, message],
  )
  await manager.query(
    `UPDATE runs SET result = jsonb_set(result, '{error}', ${erased("result->'error'")})
     WHERE id = ANY($1::uuid[]) AND result ? 'error'`,
    [runs, message],
  )
  await manager.query(
    `UPDATE ledger_steps SET outcome = jsonb_set(outcome, '{refused}', ${erased("outcome->'refused'")})
     WHERE run_id = ANY($1::uuid[]) AND outcome ? 'refused'`,
    [runs, message],
  )
  await manager.query(
    `UPDATE lineage_events SET error = ${erased('error')} WHERE run_id = ANY($1::uuid[]) AND error ? 'code'`,
    [runs, message],
  )
}

/** What those of some runs that have made no other version were asked to say of it. */
export async function eraseMessages(
  manager: EntityManager,
  runs: readonly string[],
  version: number,
): Promise<void> {
  await manager.query(
    `UPDATE runs r SET request = jsonb_set(r.request, '{message}', 'null')
     WHERE r.id = ANY($1::uuid[]) AND r.kind IN ('dataset', 'push') AND r.request ? 'message'
       AND NOT EXISTS (
         SELECT 1 FROM ledger_steps s
         WHERE s.run_id = r.id AND s.step = 'commit' AND s.outcome->>'version' <> $2)
       AND (NOT ${RUN_UNDER_WAY} OR EXISTS (
         SELECT 1 FROM ledger_steps s
         WHERE s.run_id = r.id AND s.step = 'commit' AND s.outcome->>'version' = $2))`,
    [runs, String(version)],
  )
}
