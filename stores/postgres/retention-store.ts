import { type DataSource, type EntityManager, In, IsNull } from 'typeorm'
import { retirable, type Retention, type RetentionFacts, versionsNamed } from '../../domain/data/retention.js'
import { MlforgeError } from '../../domain/errors.js'
import { Dataset, DatasetVersion, type Purge } from './entities/dataset.js'
import { latestGivenSql } from './latest-given.js'
import { RUN_UNDER_WAY, TRANSFER_HOLDS } from './lease-sql.js'
import { LedgerStep } from './entities/ledger-step.js'
import { Run } from './entities/run.js'

/** Runs that are read at once. */
const BATCH = 200

/** What keeps a version, for people. */
export interface VersionUse {
  readonly version: number
  /** Such as `tag "gold"` or `training 0190…`. */
  readonly by: string
}

/** Which versions of datasets are kept, and which are retired. */
export class RetentionStore {
  constructor(private readonly dataSource: DataSource) {}

  async set(datasetId: string, retention: Retention | null): Promise<void> {
    await this.dataSource.getRepository(Dataset).update({ id: datasetId }, { retention })
  }

  /** Versions of a project that its datasets do not keep. */
  async candidates(project: string): Promise<{ id: string; datasetId: string }[]> {
    const datasets = (await this.dataSource.getRepository(Dataset).findBy({ project })).filter(
      ({ retention }) => retention !== null,
    )
    const found: { id: string; datasetId: string }[] = []
    for (const dataset of datasets) {
      const rows = await this.retirableIn(this.dataSource.manager, dataset)
      found.push(...rows.map(({ id }) => ({ id, datasetId: dataset.id })))
    }
    return found
  }

  /** Notes which versions a collection is to retire. */
  async plan(runId: string, versions: readonly string[]): Promise<void> {
    await this.dataSource.query(
      `INSERT INTO data_collection_versions (run_id, version_id)
       SELECT $1::uuid, unnest($2::uuid[]) ON CONFLICT DO NOTHING`,
      [runId, versions],
    )
  }

  async planned(runId: string): Promise<{ id: string; datasetId: string }[]> {
    return this.dataSource.query(
      `SELECT v.id, v.dataset_id AS "datasetId" FROM data_collection_versions p
       JOIN dataset_versions v ON v.id = p.version_id WHERE p.run_id = $1`,
      [runId],
    )
  }

  /** Retires planned versions of a dataset that it still does not keep. @returns how many are retired by now */
  async retire(runId: string, datasetId: string): Promise<number> {
    return this.dataSource.transaction(async transaction => {
      // As whoever moves a branch or makes a version.
      const dataset = await transaction.findOneOrFail(Dataset, {
        where: { id: datasetId },
        lock: { mode: 'pessimistic_write' },
      })
      const rows = dataset.retention === null ? [] : await this.retirableIn(transaction, dataset)
      await transaction.query(
        `WITH retired AS (
           UPDATE dataset_versions v SET retired_at = now(), end_recorded = false
           FROM data_collection_versions p
           WHERE p.run_id = $1 AND p.version_id = v.id AND v.id = ANY($2::uuid[]) AND v.retired_at IS NULL
           RETURNING v.id)
         UPDATE data_collection_versions p SET retired_at = now() FROM retired
         WHERE p.run_id = $1 AND p.version_id = retired.id`,
        [runId, rows.map(({ id }) => id)],
      )
      const [row]: { count: number }[] = await transaction.query(
        `SELECT count(*)::int AS count FROM data_collection_versions p JOIN dataset_versions v ON v.id = p.version_id
         WHERE p.run_id = $1 AND v.dataset_id = $2 AND p.retired_at IS NOT NULL`,
        [runId, datasetId],
      )
      return row!.count
    })
  }

  /**
   * Erases the files of a version: nobody reads them from now on. Again, it says who has done it first.
   * @throws MlforgeError wrong_state where a branch, a tag, or a run under way names it
   */
  async purge(datasetId: string, version: number, purge: Purge): Promise<DatasetVersion> {
    return this.dataSource.transaction(async transaction => {
      const dataset = await transaction.findOneOrFail(Dataset, {
        where: { id: datasetId },
        lock: { mode: 'pessimistic_write' },
      })
      const row = await transaction.findOneByOrFail(DatasetVersion, { datasetId, version })
      if (row.purge !== null) return row
      if (row.commit === null) throw notWritten(dataset.name, version)
      const uses = [
        ...(await namedByRefs(transaction, datasetId)),
        ...(await this.usesOfOpenRuns(transaction, dataset)),
      ].filter(use => use.version === version)
      if (uses.length > 0) throw stillUsed(dataset.name, version, uses)
      await transaction.query(
        `UPDATE dataset_versions SET retired_at = coalesce(retired_at, now()), purge = $2, end_recorded = false
         WHERE id = $1`,
        [row.id, JSON.stringify(purge)],
      )
      return transaction.findOneByOrFail(DatasetVersion, { id: row.id })
    })
  }

  /** What names versions of a dataset now: branches, tags, models, trainings and runs under way. */
  async uses(
    manager: EntityManager,
    dataset: Pick<Dataset, 'id' | 'project' | 'name'>,
  ): Promise<VersionUse[]> {
    const named: VersionUse[] = await manager.query(
      `SELECT (mv.lineage->'dataset'->>'version')::int AS version,
         'version ' || mv.version || ' of model "' || m.name || '"' AS by
       FROM model_versions mv JOIN models m ON m.id = mv.model_id
       WHERE m.project = $1 AND mv.lineage->'dataset'->>'name' = $2
         AND mv.lineage->'dataset'->>'version' ~ '^[0-9]{1,9}$'
       UNION ALL
       SELECT (r.request->'dataset'->>'version')::int, 'training ' || r.id FROM runs r
       WHERE r.project = $1 AND r.kind = 'training' AND r.request->'dataset'->>'name' = $2
         AND r.request->'dataset'->>'version' ~ '^[0-9]{1,9}$'
       UNION ALL
       SELECT (r.request->>'version')::int, 'pull ' || r.id
       FROM runs r JOIN data_transfers t ON t.run_id = r.id
       WHERE r.project = $1 AND r.kind = 'pull' AND r.name = $2 AND ${TRANSFER_HOLDS}
       UNION ALL
       SELECT version, 'retrainings, which grow from it' FROM (${latestGivenSql('$3')}) given`,
      [dataset.project, dataset.name, dataset.id],
    )
    return [
      ...named,
      ...(await namedByRefs(manager, dataset.id)),
      ...(await this.usesOfOpenRuns(manager, dataset)),
    ]
  }

  private async usesOfOpenRuns(
    manager: EntityManager,
    { project, name: dataset }: Pick<Dataset, 'project' | 'name'>,
  ): Promise<VersionUse[]> {
    const uses: VersionUse[] = []
    const open = await underWay(manager, project)
    for (let from = 0; from < open.length; from += BATCH) {
      const ids = open.slice(from, from + BATCH).map(({ id }) => id)
      const runs = await manager.find(Run, {
        where: { id: In(ids) },
        select: { id: true, kind: true, name: true, request: true } as never,
      })
      const steps = await manager.find(LedgerStep, {
        where: { runId: In(ids) },
        select: { runId: true, step: true, generation: true, outcome: true } as never,
      })
      for (const { id, kind, name, request } of runs) {
        const outcomes = steps.filter(({ runId }) => runId === id).map(({ outcome }) => outcome)
        const versions = versionsNamed({ name, request, outcomes }, dataset)
        uses.push(...versions.map(version => ({ version, by: `${kind} ${id}` })))
      }
    }
    return uses
  }

  private async retirableIn(
    manager: EntityManager,
    dataset: Dataset,
  ): Promise<Pick<DatasetVersion, 'id' | 'version'>[]> {
    const versions = await manager.find(DatasetVersion, {
      where: { datasetId: dataset.id, retiredAt: IsNull() },
      select: { id: true, version: true, branch: true, createdAt: true, commit: true },
    })
    const [clock]: { now: Date }[] = await manager.query('SELECT now()')
    const openSince = (await underWay(manager, dataset.project)).map(({ createdAt }) => createdAt.getTime())
    const facts: RetentionFacts = {
      nowMs: clock!.now.getTime(),
      named: new Set((await this.uses(manager, dataset)).map(({ version }) => version)),
      openSinceMs: openSince.length === 0 ? null : openSince.reduce((one, other) => Math.min(one, other)),
    }
    const numbers = new Set(
      retirable(
        versions.map(({ version, branch, createdAt }) => ({
          version,
          branch,
          createdMs: createdAt.getTime(),
        })),
        dataset.retention!,
        facts,
      ),
    )
    // One that is not in the object store yet is still needed to be written there.
    return versions.filter(({ version, commit }) => numbers.has(version) && commit !== null)
  }
}

/** Runs under way that may use data; collections remove what they do not. */
async function underWay(manager: EntityManager, project: string): Promise<{ id: string; createdAt: Date }[]> {
  return manager.query(
    `SELECT r.id, r.created_at AS "createdAt" FROM runs r
     WHERE r.project = $1 AND r.kind <> 'collection' AND ${RUN_UNDER_WAY} ORDER BY r.id`,
    [project],
  )
}

async function namedByRefs(manager: EntityManager, datasetId: string): Promise<VersionUse[]> {
  return manager.query(
    `SELECT version, kind || ' "' || name || '"' AS by FROM data_refs
     WHERE dataset_id = $1 AND version IS NOT NULL`,
    [datasetId],
  )
}

function stillUsed(dataset: string, version: number, uses: readonly VersionUse[]): MlforgeError {
  const names = uses.map(({ by }) => by)
  return new MlforgeError(
    'wrong_state',
    `Version ${version} of dataset "${dataset}" is named by ${names.slice(0, 20).join(', ')}. Move or remove these branches and tags, wait for these runs or cancel them, then purge it.`,
    { uses: names },
  )
}

function notWritten(dataset: string, version: number): MlforgeError {
  return new MlforgeError(
    'wrong_state',
    `Version ${version} of dataset "${dataset}" is being written to the object store. Purge it in a minute.`,
  )
}
