import { Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm'
import type { Json } from '../../../domain/canonical-json.js'

export type ScheduleKind = 'training' | 'retraining' | 'driftCheck' | 'pipeline'

export interface ScheduledPipelineRow {
  readonly pipeline: string
  readonly parameters: Readonly<Record<string, Json>>
  /** A tick whose run would work on what the last successful one has worked on is skipped where it is left out. */
  readonly onNoNewData?: 'run'
  readonly priority?: number
}

/** What a Temporal Schedule should be; Temporal holds when it runs, this holds what it runs. */
@Entity('schedules')
@Unique(['project', 'name'])
export class Schedule {
  @PrimaryColumn('uuid') id!: string
  @Column('text') project!: string
  @Column('text') name!: string
  /** What each tick does; it never changes. */
  @Column('text', { default: 'training' }) kind!: ScheduleKind
  /** The training that each tick starts; its dataset may be named by `latest`. Null for other kinds. */
  @Column('jsonb', { nullable: true }) training!: unknown
  /** Name of what is retrained, or whose windows are checked; null for other kinds. */
  @Column('text', { nullable: true }) deployment!: string | null
  /** The pipeline that each tick runs, and with which parameters; null for other kinds. */
  @Column('jsonb', { nullable: true }) pipeline!: ScheduledPipelineRow | null
  @Column('jsonb') timing!: unknown
  @Column('boolean') paused!: boolean
  @Column('text', { nullable: true }) note!: string | null
  @Column('text') principal!: string
  @Column('timestamptz') createdAt!: Date
  @Column('timestamptz') updatedAt!: Date
}

/** What has become of a tick. Ticks of drift checks are windows, not runs: they are not here. */
@Entity('schedule_ticks')
@Unique(['project', 'tick'])
@Index(['project', 'schedule', 'at'])
export class ScheduleTick {
  @PrimaryColumn('uuid') id!: string
  @Column('text') project!: string
  /** Name of the schedule. */
  @Column('text') schedule!: string
  /** Workflow id of the tick, which ends with its time. */
  @Column('text') tick!: string
  @Column('text') outcome!: 'run' | 'no_new_data'
  /** The run of the tick, or the one that has worked on the same. */
  @Column('uuid', { nullable: true }) runId!: string | null
  @Column('timestamptz') at!: Date
}
