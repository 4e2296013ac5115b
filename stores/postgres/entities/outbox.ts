import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm'

/** A workflow start that was promised in the same transaction as its run row. */
@Entity('outbox')
@Index(['dueAt'], { where: '"done_at" IS NULL' })
export class OutboxRow {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' }) id!: string
  @Column('uuid') runId!: string
  @Column('integer') attempt!: number
  @Column('timestamptz') createdAt!: Date
  @Column('timestamptz') dueAt!: Date
  @Column('integer') tries!: number
  @Column('text', { nullable: true }) lastError!: string | null
  @Column('timestamptz', { nullable: true }) doneAt!: Date | null
}
