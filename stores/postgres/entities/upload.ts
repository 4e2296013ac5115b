import { Column, Entity, Index, PrimaryColumn } from 'typeorm'

/** A file that came whole and passed the structural check; datasets are committed from it. */
@Entity('uploads')
@Index(['project', 'createdAt', 'id'])
export class Upload {
  @PrimaryColumn('uuid') id!: string
  @Column('text') project!: string
  @Column('text', { nullable: true }) fileName!: string | null
  @Column('text') uri!: string
  @Column('text') sha256!: string
  @Column('bigint') bytes!: string
  @Column('text') delimiter!: string
  @Column('jsonb') columns!: readonly string[]
  @Column('bigint') rows!: string
  @Column('text') principal!: string
  @Column('timestamptz') createdAt!: Date
}
