import { Column, Entity, PrimaryColumn, Unique } from 'typeorm'

/** What a Temporal Schedule should be; Temporal holds when it runs, this holds what it runs. */
@Entity('schedules')
@Unique(['project', 'name'])
export class Schedule {
  @PrimaryColumn('uuid') id!: string
  @Column('text') project!: string
  @Column('text') name!: string
  /** The training that each tick starts; its dataset may be named by `latest`. */
  @Column('jsonb') training!: unknown
  @Column('jsonb') timing!: unknown
  @Column('boolean') paused!: boolean
  @Column('text', { nullable: true }) note!: string | null
  @Column('text') principal!: string
  @Column('timestamptz') createdAt!: Date
  @Column('timestamptz') updatedAt!: Date
}
