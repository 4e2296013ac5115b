import { Column, Entity, PrimaryColumn, Unique } from 'typeorm'

export type ScheduleKind = 'training' | 'retraining' | 'driftCheck'

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
  /** Name of what is retrained, or whose windows are checked; null for trainings. */
  @Column('text', { nullable: true }) deployment!: string | null
  @Column('jsonb') timing!: unknown
  @Column('boolean') paused!: boolean
  @Column('text', { nullable: true }) note!: string | null
  @Column('text') principal!: string
  @Column('timestamptz') createdAt!: Date
  @Column('timestamptz') updatedAt!: Date
}
