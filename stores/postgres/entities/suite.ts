import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn, type Relation, Unique } from 'typeorm'

/** What is expected of the tables of a dataset, which may have no version yet. */
@Entity('suites')
@Unique(['project', 'dataset'])
export class DatasetSuite {
  @PrimaryColumn('uuid') id!: string
  @Column('text') project!: string
  @Column('text') dataset!: string
  /** The current version. */
  @Column('integer') version!: number
  /** Who has made it the current one, and when. */
  @Column('text') principal!: string
  @Column('timestamptz') updatedAt!: Date
  /** Counts the changes of which version is the current one, from 1. */
  @Column('integer') sequence!: number
  /** The last of them that is in the object store. */
  @Column('integer') recorded!: number
}

/** Immutable. The same content is one version, however often it is given. */
@Entity('suite_versions')
@Unique(['suiteId', 'sha256'])
export class DatasetSuiteVersion {
  @PrimaryColumn('uuid') suiteId!: string
  @ManyToOne(() => DatasetSuite, { nullable: false })
  @JoinColumn({ name: 'suite_id' })
  suite!: Relation<DatasetSuite>
  @PrimaryColumn('integer') version!: number
  /** Canonical JSON, as it is hashed: as text, since jsonb cannot hold every text that JSON can. */
  @Column('text') content!: string
  @Column('text') sha256!: string
  /** How many there are in it. */
  @Column('integer') expectations!: number
  @Column('text', { nullable: true }) author!: string | null
  @Column('text', { nullable: true }) message!: string | null
  @Column('text') principal!: string
  @Column('timestamptz') createdAt!: Date
  /** False until it is in the object store. */
  @Column('boolean', { default: false }) recorded!: boolean
}
