import { type DataSource, type EntityManager, IsNull, Not, type QueryDeepPartialEntity } from 'typeorm'
import { MlforgeError } from '../../domain/errors.js'
import type { ModelSignature } from '../../domain/models/signature.js'
import type { RetrainingPolicy } from '../../domain/retraining/policy.js'
import type { Following } from '../../domain/rollouts/following.js'
import { type RoutingPlan, stableArm, stableOnly } from '../../domain/routing/plan.js'
import type { ServedVersion } from '../../domain/serving/served-version.js'
import { didYouMean } from '../../domain/suggest.js'
import { uuidv7 } from '../ids.js'
import { Deployment, type Freeze, RoutingPlanRow, ServingReplica } from './entities/deployment.js'
import { page, type PageOf, type PageRequest } from './paging.js'

/** A replica that has not reported for this long is gone. */
export const REPLICA_ALIVE_SECONDS = 10

export interface NewPlan {
  readonly plan: RoutingPlan
  readonly versions: readonly ServedVersion[]
  readonly reason: string
  readonly rolloutId: string
  /** The same key again is the same plan again. */
  readonly effectKey: string
}

export interface ReplicaReport {
  readonly replica: string
  readonly deploymentId: string
  readonly revision: number
  readonly problem: string | null
  readonly address: string
}

/** The newest plan of a deployment, as replicas fetch it. */
export interface PlanInForce {
  readonly deploymentId: string
  readonly deployment: string
  readonly revision: number
  readonly plan: RoutingPlan
  readonly versions: readonly ServedVersion[]
}

/** Deployments, the plans that decide their traffic, and which plan each replica answers by. */
export class DeploymentStore {
  constructor(private readonly dataSource: DataSource) {}

  /** @throws MlforgeError already_exists for a name that serves another model */
  async create(project: string, name: string, model: string, principal: string): Promise<Deployment> {
    await this.dataSource
      .createQueryBuilder()
      .insert()
      .into(Deployment)
      .values({
        id: uuidv7(),
        project,
        name,
        model,
        principal,
        createdAt: new Date(),
        freeze: null,
        monitoring: null,
      })
      .orIgnore()
      .execute()
    const deployment = await this.get(project, name)
    if (deployment.model === model) return deployment
    throw new MlforgeError(
      'already_exists',
      `Deployment "${name}" serves model "${deployment.model}". Choose another name for "${model}".`,
    )
  }

  async get(project: string, name: string): Promise<Deployment> {
    const repository = this.dataSource.getRepository(Deployment)
    const found = await repository.findOneBy({ project, name })
    if (found) return found
    const others = await repository.find({ where: { project }, select: { name: true }, take: 1000 })
    const hint = didYouMean(
      name,
      others.map(other => other.name),
    )
    throw new MlforgeError('not_found', `There is no deployment "${name}" in project ${project}.${hint}`)
  }

  async list(project: string, request: PageRequest): Promise<PageOf<Deployment>> {
    const query = this.dataSource.getRepository(Deployment).createQueryBuilder('deployment')
    return page(query.where({ project }), ['createdAt', 'id'], request)
  }

  /** Sets or lifts the time in which no rollout goes forward. */
  async freeze(id: string, freeze: Freeze | null): Promise<void> {
    await this.dataSource.getRepository(Deployment).update({ id }, { freeze })
  }

  /** Sets or takes away how incidents retrain it. */
  async setRetraining(id: string, retraining: RetrainingPolicy | null): Promise<void> {
    await this.dataSource
      .getRepository(Deployment)
      .update({ id }, { retraining: retraining as QueryDeepPartialEntity<RetrainingPolicy> | null })
  }

  /** Sets or takes away the alias that it follows. */
  async follow(id: string, following: Following | null): Promise<void> {
    await this.dataSource
      .getRepository(Deployment)
      .update({ id }, { following: following as QueryDeepPartialEntity<Following> | null })
  }

  /** Deployments of a project that follow an alias. */
  async following(project: string): Promise<Deployment[]> {
    return this.dataSource
      .getRepository(Deployment)
      .find({ where: { project, following: Not(IsNull()) }, order: { name: 'ASC' } })
  }

  /** Newest plan of a deployment, null where it has never had traffic. */
  async plan(deploymentId: string): Promise<RoutingPlanRow | null> {
    return newestPlan(this.dataSource.manager, deploymentId)
  }

  /** What the stable version takes and predicts; null where none serves. */
  async servingSignature(deploymentId: string): Promise<ModelSignature | null> {
    const current = await this.plan(deploymentId)
    const stable = current && stableArm(current.plan)
    return current?.versions.find(({ version }) => version === stable?.version)?.signature ?? null
  }

  async plans(deploymentId: string, request: PageRequest): Promise<PageOf<RoutingPlanRow>> {
    const query = this.dataSource.getRepository(RoutingPlanRow).createQueryBuilder('plan')
    return page(query.where({ deploymentId }), ['revision'], request)
  }

  /** Plans that a rollout has issued, newest first. */
  async plansOf(deploymentId: string, rolloutId: string): Promise<RoutingPlanRow[]> {
    return this.dataSource
      .getRepository(RoutingPlanRow)
      .find({ where: { deploymentId, rolloutId }, order: { revision: 'DESC' }, take: 200 })
  }

  /**
   * Puts a plan in force: the next revision, in the caller's transaction. Writers of one deployment take
   * turns. A plan with a known effect key is that plan again.
   */
  async issue(transaction: EntityManager, deploymentId: string, content: NewPlan): Promise<RoutingPlanRow> {
    await transaction.findOneOrFail(Deployment, {
      where: { id: deploymentId },
      lock: { mode: 'pessimistic_write' },
    })
    const known = await transaction.findOneBy(RoutingPlanRow, { effectKey: content.effectKey })
    if (known) return known
    const revision = ((await newestPlan(transaction, deploymentId))?.revision ?? 0) + 1
    return transaction.save(RoutingPlanRow, { ...content, deploymentId, revision, createdAt: new Date() })
  }

  /**
   * Takes a trial's traffic back where the rollout that began it has ended without doing so.
   * @param by the rollout whose id the plan gets, and the key of the effect
   */
  async takeBack(
    transaction: EntityManager,
    deploymentId: string,
    by: { rolloutId: string; effectKey: string },
  ): Promise<void> {
    const current = await newestPlan(transaction, deploymentId)
    if (current === null || current.plan.arms.length < 2) return
    const plan = stableOnly(current.plan)
    const versions = current.versions.filter(({ version }) => version === plan.arms[0]?.version)
    const reason = `taken back: rollout ${current.rolloutId} has ended without doing so`
    await this.issue(transaction, deploymentId, { ...by, plan, versions, reason })
  }

  /** Newest plan of every deployment of a project that has one: what a replica polls for. */
  async plansInForce(project: string): Promise<PlanInForce[]> {
    const rows: (Omit<PlanInForce, 'deploymentId' | 'deployment'> & { id: string; name: string })[] =
      await this.dataSource.query(
        `SELECT DISTINCT ON (d.id) d.id, d.name, p.revision, p.plan, p.versions
         FROM deployments d JOIN routing_plans p ON p.deployment_id = d.id
         WHERE d.project = $1 ORDER BY d.id, p.revision DESC`,
        [project],
      )
    return rows.map(({ id, name, ...rest }) => ({ ...rest, deploymentId: id, deployment: name }))
  }

  /** Newest revision of every deployment of a project, by its id: a cheap look for changes. */
  async revisionsInForce(project: string): Promise<Map<string, number>> {
    const rows: { id: string; revision: number }[] = await this.dataSource.query(
      `SELECT d.id, max(p.revision) AS revision
       FROM deployments d JOIN routing_plans p ON p.deployment_id = d.id WHERE d.project = $1 GROUP BY d.id`,
      [project],
    )
    return new Map(rows.map(row => [row.id, row.revision]))
  }

  /** A replica says which plans it answers by. */
  async report(project: string, reports: readonly ReplicaReport[]): Promise<void> {
    if (reports.length === 0) return
    await this.dataSource
      .createQueryBuilder()
      .insert()
      .into(ServingReplica)
      // By the clock that replicas() compares it with, whatever the replica's says.
      .values(reports.map(report => ({ ...report, project, seenAt: () => 'now()' })))
      .orUpdate(['project', 'revision', 'problem', 'address', 'seen_at'], ['replica', 'deployment_id'])
      .execute()
  }

  /** A replica that ends says so, so that nobody waits for it. */
  async leave(replica: string): Promise<void> {
    await this.dataSource.getRepository(ServingReplica).delete({ replica })
  }

  /** Replicas of a deployment that have reported within the last seconds. */
  async replicas(deploymentId: string): Promise<ServingReplica[]> {
    return this.dataSource
      .getRepository(ServingReplica)
      .createQueryBuilder('replica')
      .where({ deploymentId })
      .andWhere('replica.seenAt > now() - make_interval(secs => :seconds)', {
        seconds: REPLICA_ALIVE_SECONDS,
      })
      .orderBy('replica.replica')
      .getMany()
  }
}

async function newestPlan(manager: EntityManager, deploymentId: string): Promise<RoutingPlanRow | null> {
  return manager.findOne(RoutingPlanRow, { where: { deploymentId }, order: { revision: 'DESC' } })
}
