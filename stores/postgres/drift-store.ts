import type { DataSource, EntityManager } from 'typeorm'
import type { WindowAssessment } from '../../domain/drift/assessments.js'
import { isWindowOf, type MonitoringPolicy } from '../../domain/drift/monitoring-policy.js'
import { MlforgeError } from '../../domain/errors.js'
import { didYouMean } from '../../domain/suggest.js'
import { Deployment } from './entities/deployment.js'
import { type DriftInputs, DriftLook, DriftWindow, type PendingWindow } from './entities/drift.js'
import { page, type PageOf, type PageRequest } from './paging.js'

export type NewAssessment = Omit<DriftWindow, 'revision' | 'createdAt'>

export interface RecordedAssessment {
  /** The revision that holds: its own, or that of one that looked later or saw the same. */
  readonly revision: number
  readonly outcome: 'recorded' | 'unchanged' | 'stale'
}

/** The latest assessment of a window, as far as it says whether the window is due again. */
export interface LatestAssessment {
  readonly windowId: string
  readonly revision: number
  readonly fingerprint: string
}

const LATEST = `NOT EXISTS (SELECT FROM drift_windows newer
  WHERE newer.deployment_id = "window".deployment_id AND newer.window_id = "window".window_id
    AND newer.revision > "window".revision)`

/** How deployments are watched, and what their windows were found to be. */
export class DriftStore {
  constructor(private readonly dataSource: DataSource) {}

  async setPolicy(deploymentId: string, monitoring: MonitoringPolicy): Promise<void> {
    await this.dataSource.getRepository(Deployment).update({ id: deploymentId }, { monitoring } as object)
  }

  /** Deployments of a project that have a policy. */
  async watched(project: string): Promise<(Deployment & { monitoring: MonitoringPolicy })[]> {
    const found = await this.dataSource
      .getRepository(Deployment)
      .createQueryBuilder('deployment')
      .where({ project })
      .andWhere('deployment.monitoring IS NOT NULL')
      .orderBy('deployment.id')
      .getMany()
    return found as (Deployment & { monitoring: MonitoringPolicy })[]
  }

  /** How much has come in of a deployment. To be read before predictions and labels are. */
  async inputs(deploymentId: string): Promise<DriftInputs> {
    const rows: DriftInputs[] = await this.dataSource.query(
      `SELECT (SELECT coalesce(sum(sources), 0)::int FROM prediction_files
               WHERE deployment_id = $1 AND replaced_by IS NULL) AS files,
              (SELECT count(*)::int FROM labels WHERE deployment_id = $1) AS labels`,
      [deploymentId],
    )
    return rows[0]!
  }

  /**
   * Keeps an assessment as the window's next revision, in the transaction that finishes the step. One that
   * saw what the latest saw adds nothing; one that looked earlier than the latest is out of date.
   */
  async record(transaction: EntityManager, assessment: NewAssessment): Promise<RecordedAssessment> {
    const { deploymentId, windowId, effectKey } = assessment
    // Writers of one deployment take turns, so revisions have no gaps.
    await transaction.findOneOrFail(Deployment, {
      where: { id: deploymentId },
      lock: { mode: 'pessimistic_write' },
    })
    const known = await transaction.findOneBy(DriftWindow, { effectKey })
    if (known) return { revision: known.revision, outcome: 'recorded' }
    const latest = await transaction.findOne(DriftWindow, {
      where: { deploymentId, windowId },
      order: { revision: 'DESC' },
    })
    if (latest && isLater(latest.asOf, assessment.asOf)) {
      return { revision: latest.revision, outcome: 'stale' }
    }
    if (latest?.fingerprint === assessment.fingerprint) {
      return { revision: latest.revision, outcome: 'unchanged' }
    }
    const revision = (latest?.revision ?? 0) + 1
    await transaction.insert(DriftWindow, { ...assessment, revision, createdAt: new Date() } as never)
    return { revision, outcome: 'recorded' }
  }

  /** The latest revision of each window, the newest window first. */
  async windows(deploymentId: string, request: PageRequest): Promise<PageOf<DriftWindow>> {
    const query = this.dataSource.getRepository(DriftWindow).createQueryBuilder('window')
    return page(query.where({ deploymentId }).andWhere(LATEST), ['startsAt', 'windowId'], request)
  }

  /**
   * One revision of a window, the latest where none is named.
   * @throws MlforgeError not_found with what there is
   */
  async window(deploymentId: string, windowId: string, revision?: number): Promise<DriftWindow> {
    const repository = this.dataSource.getRepository(DriftWindow)
    const found = await repository.findOne({
      where: { deploymentId, windowId, ...(revision === undefined ? {} : { revision }) },
      order: { revision: 'DESC' },
    })
    if (found) return found
    const latest = await repository.findOne({
      where: { deploymentId, windowId },
      order: { revision: 'DESC' },
    })
    if (latest) {
      throw new MlforgeError(
        'not_found',
        `Window "${windowId}" has no revision ${revision}; its latest is ${latest.revision}.`,
      )
    }
    throw new MlforgeError('not_found', await this.whatExists(deploymentId, windowId))
  }

  /**
   * What is known of each window of the policy, in the order of event time; none without a policy.
   * @param manager a transaction, to see what it has written itself
   */
  async assessments(
    deploymentId: string,
    manager: EntityManager = this.dataSource.manager,
  ): Promise<WindowAssessment[]> {
    const { monitoring } = await manager.findOneByOrFail(Deployment, { id: deploymentId })
    if (monitoring === null) return []
    const rows = await this.latestOf(deploymentId, manager).getMany()
    return rows.map(assessmentOf).filter(({ window }) => isWindowOf(monitoring, window))
  }

  async latest(deploymentId: string): Promise<LatestAssessment[]> {
    return this.latestOf(deploymentId)
      .select(['window.deploymentId', 'window.windowId', 'window.revision', 'window.fingerprint'])
      .getMany()
  }

  async look(deploymentId: string): Promise<DriftLook | null> {
    return this.dataSource.getRepository(DriftLook).findOneBy({ deploymentId })
  }

  async saveLook(deploymentId: string, seen: string, pending: readonly PendingWindow[]): Promise<void> {
    const row = { deploymentId, seen, pending, lookedAt: new Date() }
    await this.dataSource.getRepository(DriftLook).upsert(row as never, ['deploymentId'])
  }

  private latestOf(deploymentId: string, manager: EntityManager = this.dataSource.manager) {
    return manager
      .getRepository(DriftWindow)
      .createQueryBuilder('window')
      .where({ deploymentId })
      .andWhere(LATEST)
      .orderBy('window.startsAt')
      .addOrderBy('window.windowId')
  }

  private async whatExists(deploymentId: string, windowId: string): Promise<string> {
    const ids = (await this.latest(deploymentId)).map(each => each.windowId)
    const [first, last] = [ids[0], ids.at(-1)]
    if (first === undefined) return `There is no window "${windowId}": none has been assessed yet.`
    const which = ids.length === 1 ? `"${first}"` : `${ids.length} from "${first}" to "${last}"`
    return `There is no assessed window "${windowId}".${didYouMean(windowId, ids)} There are: ${which}.`
  }
}

function assessmentOf(row: DriftWindow): WindowAssessment {
  const { windowId: id, startsAt, endsAt, revision, state, breached, labelled, versions } = row
  return {
    window: { id, start: startsAt.getTime(), end: endsAt.getTime() },
    revision,
    state,
    breached,
    labelled,
    versions: versions.map(({ version }) => version),
  }
}

function isLater(one: DriftInputs, other: DriftInputs): boolean {
  return one.files > other.files || one.labels > other.labels
}
