import { Column, Entity, Index, PrimaryColumn } from 'typeorm'
import type { RunFailure } from '../../../contracts/temporal/messages.js'
import type { ItemState, MadeFrom } from '../../../domain/assets/items.js'

/** What a backfill has beside what every run has. */
@Entity('backfills')
export class Backfill {
  @PrimaryColumn('uuid') runId!: string
  /** The attempt of the run that works on its items; 0 before the first. */
  @Column('integer') attempt!: number
  /** The last attempt that was closed by somebody else than its workflow: it begins nothing more. */
  @Column('integer') closed!: number
  /** Counts changes of its items: whoever watches looks again when it has grown. */
  @Column('integer') revision!: number
}

/** A partition that a backfill makes. */
@Entity('backfill_items')
@Index(['runId', 'state', 'position'])
@Index(['child'], { where: '"child" IS NOT NULL' })
export class BackfillItem {
  @PrimaryColumn('uuid') runId!: string
  @PrimaryColumn('integer') position!: number
  @Column('text') asset!: string
  @Column('text') partition!: string
  /** Positions of the items that must have ended well before. */
  @Column('integer', { array: true }) needs!: readonly number[]
  @Column('text') state!: ItemState
  /** Counts the runs that were begun for it. */
  @Column('integer') generation!: number
  /** The run of its pipeline that makes it, or has. */
  @Column('uuid', { nullable: true }) child!: string | null
  /** By what and from what that run makes it. */
  @Column('jsonb', { nullable: true }) madeFrom!: MadeFrom | null
  @Column('text', { nullable: true }) note!: string | null
  @Column('jsonb', { nullable: true }) error!: RunFailure | null
  @Column('timestamptz', { nullable: true }) startedAt!: Date | null
  @Column('timestamptz', { nullable: true }) endedAt!: Date | null
}
