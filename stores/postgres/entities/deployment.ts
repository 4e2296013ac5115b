import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, type Relation, Unique } from 'typeorm'
import type { RetrainingPolicy } from '../../../domain/retraining/policy.js'
import type { MonitoringPolicy } from '../../../domain/drift/monitoring-policy.js'
import type { Following } from '../../../domain/rollouts/following.js'
import type { RoutingPlan } from '../../../domain/routing/plan.js'
import type { ServedVersion } from '../../../domain/serving/served-version.js'

/** ISO 8601 times, and why. */
export interface Freeze {
  readonly from: string
  readonly until: string
  readonly reason: string
}

/** A name that answers predictions with versions of one model. Which version answers is in its routing plan. */
@Entity('deployments')
@Unique(['project', 'name'])
export class Deployment {
  @PrimaryColumn('uuid') id!: string
  @Column('text') project!: string
  @Column('text') name!: string
  /** Name of the model whose versions it serves. */
  @Column('text') model!: string
  @Column('text') principal!: string
  @Column('timestamptz') createdAt!: Date
  /** While it lasts no rollout goes forward; the way back is always open. */
  @Column('jsonb', { nullable: true }) freeze!: Freeze | null
  /** How its windows are cut, judged and compared; null while nobody watches it. */
  @Column('jsonb', { nullable: true }) monitoring!: MonitoringPolicy | null
  /** How an incident retrains it; null where nobody has said. */
  @Column('jsonb', { nullable: true }) retraining!: RetrainingPolicy | null
  /** The alias whose moves start rollouts; null where only people and incidents do. */
  @Column('jsonb', { nullable: true }) following!: Following | null
}

/** One state of a deployment's traffic. Revisions have no gaps; the newest is in force. */
@Entity('routing_plans')
@Index(['effectKey'], { unique: true })
export class RoutingPlanRow {
  @PrimaryColumn('uuid') deploymentId!: string
  @ManyToOne(() => Deployment, { nullable: false })
  @JoinColumn({ name: 'deployment_id' })
  deployment!: Relation<Deployment>
  @PrimaryColumn('integer') revision!: number
  @Column('jsonb') plan!: RoutingPlan
  /** Whatever a replica needs to serve each arm, so that it asks nobody else. */
  @Column('jsonb') versions!: readonly ServedVersion[]
  /** Why the traffic was changed, for people. */
  @Column('text') reason!: string
  @Column('uuid') rolloutId!: string
  @Column('text') effectKey!: string
  @Column('timestamptz') createdAt!: Date
}

/** Which plan a serving replica answers by. Written by the replica each second; old rows are no replicas. */
@Entity('serving_replicas')
export class ServingReplica {
  /** Stays the same when the replica's process is started again in its directory. */
  @PrimaryColumn('uuid') replica!: string
  @PrimaryColumn('uuid') deploymentId!: string
  @Column('text') project!: string
  /** Revision that answers, 0 for none yet. */
  @Column('integer') revision!: number
  /** Why it could not take a newer revision that it has seen. */
  @Column('text', { nullable: true }) problem!: string | null
  @Column('text') address!: string
  @Column('timestamptz') seenAt!: Date
}
