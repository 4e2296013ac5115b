import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, type Relation, Unique } from 'typeorm'
import type { Column as TableColumn } from '../../../domain/transformations/columns.js'
import type { Folds } from '../../../domain/transformations/fitted.js'
import type { Step } from '../../../domain/transformations/steps.js'
import type { StoredContent } from './dataset.js'

/** What was learned of each fold of a table, by fold. */
export interface StoredFolds extends Folds {
  /** SHA-256 of the table: of another one folds say nothing. */
  readonly table: string
  readonly states: readonly StoredContent[]
}

@Entity('transformations')
@Unique(['project', 'name'])
export class Transformation {
  @PrimaryColumn('uuid') id!: string
  @Column('text') project!: string
  @Column('text') name!: string
  @Column('timestamptz') createdAt!: Date
}

/** Immutable: steps, and what they have learned from the rows that they were fitted on. */
@Entity('transformation_versions')
@Unique(['transformationId', 'version'])
@Index(['effectKey'], { unique: true })
export class TransformationVersion {
  @PrimaryColumn('uuid') id!: string
  @Column('uuid') transformationId!: string
  @ManyToOne(() => Transformation, { nullable: false })
  @JoinColumn({ name: 'transformation_id' })
  transformation!: Relation<Transformation>
  @Column('integer') version!: number
  /** Of the fitted state, which has the steps too. */
  @Column('text') sha256!: string
  @Column('jsonb') state!: StoredContent
  @Column('jsonb') steps!: readonly Step[]
  /** Columns that a table must have, and those that it has afterwards, with their types in DuckDB. */
  @Column('jsonb') input!: readonly TableColumn[]
  @Column('jsonb') output!: readonly TableColumn[]
  /** Rows that it was fitted on. */
  @Column('bigint') rows!: string
  /** Predicate that has picked them; null where all of the table were. */
  @Column('text', { nullable: true }) fittedWhere!: string | null
  /** Null where nothing was learned of parts. */
  @Column('jsonb', { nullable: true }) folds!: StoredFolds | null
  /** Name, version and root of what it was fitted on; null where a pipeline has made the table. */
  @Column('jsonb', { nullable: true }) dataset!: { name: string; version: number; root: string } | null
  @Column('uuid') runId!: string
  @Column('text') effectKey!: string
  @Column('timestamptz') createdAt!: Date
  /** False until it is in the object store. */
  @Column('boolean', { default: false }) recorded!: boolean
}
