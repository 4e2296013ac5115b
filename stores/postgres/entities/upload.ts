import { Column, Entity, Index, PrimaryColumn } from 'typeorm'
import type { UnusualReading } from '../../../domain/datasets/reading.js'

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
  /** Of CSV. */
  @Column('text', { nullable: true }) delimiter!: string | null
  /** Null where only reading the whole file tells, as of Parquet. */
  @Column('jsonb', { nullable: true }) columns!: readonly string[] | null
  @Column('bigint', { nullable: true }) rows!: string | null
  /** What is not usual about it; null: CSV in UTF-8 with double quotes and a header. */
  @Column('jsonb', { nullable: true }) reading!: UnusualReading | null
  @Column('text') principal!: string
  @Column('timestamptz') createdAt!: Date
}
