import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, type Relation, Unique } from 'typeorm'

@Entity('datasets')
@Unique(['project', 'name'])
export class Dataset {
  @PrimaryColumn('uuid') id!: string
  @Column('text') project!: string
  @Column('text') name!: string
  @Column('timestamptz') createdAt!: Date
}

/** Immutable. `root` is the identity: raw bytes, conversion and engine version, not the Parquet bytes. */
@Entity('dataset_versions')
@Unique(['datasetId', 'version'])
@Index(['effectKey'], { unique: true })
export class DatasetVersion {
  @PrimaryColumn('uuid') id!: string
  @Column('uuid') datasetId!: string
  @ManyToOne(() => Dataset, { nullable: false })
  @JoinColumn({ name: 'dataset_id' })
  dataset!: Relation<Dataset>
  @Column('integer') version!: number
  @Column('text') root!: string
  @Column('bigint') rows!: string
  @Column('jsonb') raw!: { uri: string; sha256: string; bytes: number }
  @Column('jsonb') parquet!: { uri: string; sha256: string; bytes: number }
  /** Columns with type, format and nullability: what the next version is read with. */
  @Column('jsonb') schema!: unknown
  @Column('jsonb') conversion!: unknown
  /** What was inferred, and how sure it was; null where the types are those of the version before. */
  @Column('jsonb', { nullable: true }) proposal!: unknown
  @Column('jsonb') expectations!: unknown
  @Column('jsonb') profile!: unknown
  @Column('jsonb') parents!: readonly string[]
  @Column('text', { nullable: true }) message!: string | null
  @Column('uuid') runId!: string
  @Column('text') effectKey!: string
  @Column('timestamptz') createdAt!: Date
}
