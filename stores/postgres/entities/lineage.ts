import { Column, Entity, Index, PrimaryColumn } from 'typeorm'

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
