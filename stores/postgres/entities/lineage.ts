import { Column, Entity, Index, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm'
import type { RunFailure } from '../../../contracts/temporal/messages.js'
import type { OpenLineageEventType } from '../../../domain/lineage/open-lineage.js'
import type { RunStatus } from '../../../domain/runs/run-status.js'

/** A step of a run has read something, or written it. Written with the step's outcome, and never changed. */
@Entity('lineage_edges')
@Index(['project', 'node'])
export class LineageEdgeRow {
  @PrimaryColumn('uuid') runId!: string
  /** Without the items of a map; empty where another run has started this one. */
  @PrimaryColumn('text') step!: string
  @PrimaryColumn('text') relation!: 'read' | 'wrote'
  /** See nodeId. */
  @PrimaryColumn('text') node!: string
  @Column('text') project!: string
  /** What has to be known of the step: who has passed data that were not as expected. */
  @Column('jsonb', { nullable: true }) details!: Readonly<Record<string, unknown>> | null
  @Column('timestamptz') createdAt!: Date
}

/** A change of a run that a receiver of OpenLineage is to be told, written with the change. */
@Entity('lineage_events')
@Index(['runId', 'attempt', 'type'], { unique: true })
@Index(['project', 'id'])
@Index(['dueAt'], { where: '"sent_at" IS NULL AND "refused_at" IS NULL' })
export class LineageEventRow {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' }) id!: string
  @Column('text') project!: string
  @Column('uuid') runId!: string
  @Column('integer') attempt!: number
  @Column('text') type!: OpenLineageEventType
  @Column('text') status!: RunStatus
  @Column('jsonb', { nullable: true }) error!: RunFailure | null
  @Column('timestamptz') occurredAt!: Date
  @Column('timestamptz') dueAt!: Date
  @Column('integer') tries!: number
  @Column('text', { nullable: true }) lastError!: string | null
  @Column('timestamptz', { nullable: true }) sentAt!: Date | null
  /** The receiver does not take it, and would not the next time. */
  @Column('timestamptz', { nullable: true }) refusedAt!: Date | null
}
