import { Column, Entity, Index, PrimaryColumn } from 'typeorm'

/** Slots that work shares: those of a resource, or how many runs of a pipeline may be open. */
@Entity('pools')
export class Pool {
  @PrimaryColumn('text') project!: string
  /** Of a limit it has a "/", which the name of a resource cannot have. */
  @PrimaryColumn('text') name!: string
  @Column('integer') slots!: number
  @Column('text', { nullable: true }) description!: string | null
  /** Of a limit: the pipeline whose runs it counts. */
  @Column('text', { nullable: true }) pipeline!: string | null
  /** Of a limit: the newest version of the pipeline that has said it. */
  @Column('integer', { nullable: true }) version!: number | null
  @Column('timestamptz') createdAt!: Date
  @Column('timestamptz') updatedAt!: Date
}

/**
 * Slots that a step has asked for, or has; with no step the turn of a run of its pipeline. Written under the
 * lock of the pool's row, gone in the transaction that ends what has asked.
 */
@Entity('pool_claims')
@Index(['project', 'pool', 'priority', 'askedAt'], { where: '"granted_at" IS NULL' })
@Index(['project', 'pool', 'grantedAt'], { where: '"granted_at" IS NOT NULL' })
export class PoolClaim {
  @PrimaryColumn('uuid') runId!: string
  @PrimaryColumn('text') step!: string
  @PrimaryColumn('integer') generation!: number
  @Column('text') project!: string
  @Column('text') pool!: string
  @Column('integer') slots!: number
  @Column('integer') priority!: number
  @Column('timestamptz') askedAt!: Date
  @Column('timestamptz', { nullable: true }) grantedAt!: Date | null
  /** It keeps its place and gets nothing: its run is paused. */
  @Column('boolean') parked!: boolean
}
