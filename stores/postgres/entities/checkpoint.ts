import { Column, Entity, PrimaryColumn } from 'typeorm'

/** Pointer to a durable checkpoint: the object is written first, then this row, fenced by epoch. */
@Entity('checkpoints')
export class Checkpoint {
  @PrimaryColumn('uuid') runId!: string
  @PrimaryColumn('integer') generation!: number
  @PrimaryColumn('integer') round!: number
  @Column('text') specSha256!: string
  @Column('text') uri!: string
  @Column('text') sha256!: string
  @Column('bigint') bytes!: string
  @Column('bigint') epoch!: string
  @Column('timestamptz') createdAt!: Date
}
