import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, type Relation, Unique } from 'typeorm'
import type { CodeState } from '../../../domain/data/commit.js'
import type { Retention } from '../../../domain/data/retention.js'
import type { SuiteRef } from '../../../domain/expectations/suite-version.js'

@Entity('datasets')
@Unique(['project', 'name'])
export class Dataset {
  @PrimaryColumn('uuid') id!: string
  @Column('text') project!: string
  @Column('text') name!: string
  @Column('timestamptz') createdAt!: Date
  /** Which of its versions are kept; null: all. */
  @Column('jsonb', { nullable: true }) retention!: Retention | null
}

/**
 * Immutable, but for what is filled in by the adoption of older ones and for `commit`. Its files are below
 * `manifest`; all about a table is null where it has none.
 */
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
  /** The branch on which it was made. */
  @Column('text') branch!: string
  @Column('integer', { array: true }) parentVersions!: readonly number[]
  /** The identity: of a table raw bytes, conversion and engine version, not the Parquet bytes; else the manifest. */
  @Column('text') root!: string
  /** Root of its files; null in a version from before files were kept in packs, until it is adopted. */
  @Column('text', { nullable: true }) manifest!: string | null
  @Column('integer', { nullable: true }) files!: number | null
  @Column('bigint', { nullable: true }) bytes!: string | null
  @Column('bigint', { nullable: true }) rows!: string | null
  /** The bytes that the table was made from. */
  @Column('jsonb', { nullable: true }) raw!: StoredContent | null
  @Column('jsonb', { nullable: true }) parquet!: StoredContent | null
  /** Rows that could not be read, as they were; null where there are none. */
  @Column('jsonb', { nullable: true }) quarantine!: QuarantinedContent | null
  /** Columns with type, format and nullability: what the next version is read with. */
  @Column('jsonb', { nullable: true }) schema!: unknown
  @Column('jsonb', { nullable: true }) conversion!: unknown
  /** What was inferred, and how sure it was; null where the types are those of the version before. */
  @Column('jsonb', { nullable: true }) proposal!: unknown
  @Column('jsonb', { nullable: true }) expectations!: unknown
  /** The suite of the dataset that `expectations` are of; null where whoever committed it has brought them, or none. */
  @Column('jsonb', { nullable: true }) suite!: SuiteRef | null
  @Column('jsonb', { nullable: true }) profile!: unknown
  /** Roots of what its table was made from. */
  @Column('jsonb') parents!: readonly string[]
  @Column('text', { nullable: true }) message!: string | null
  @Column('text', { nullable: true }) author!: string | null
  /** Commit and state of the code that made its files. */
  @Column('jsonb', { nullable: true }) code!: CodeState | null
  /** SHA-256 of the commit object in the object store; null until it is there. */
  @Column('text', { nullable: true }) commit!: string | null
  @Column('uuid') runId!: string
  @Column('text') effectKey!: string
  @Column('timestamptz') createdAt!: Date
  /** Since when its files cannot be read: its dataset does not keep so old ones, or it was purged. */
  @Column('timestamptz', { nullable: true }) retiredAt!: Date | null
  /** Who has had its files erased, and why. */
  @Column('jsonb', { nullable: true }) purge!: Purge | null
  /** False while the object store does not say that it was retired. */
  @Column('boolean', { default: true }) endRecorded!: boolean
}

export interface Purge {
  readonly by: string
  readonly reason: string
  /** Objects that were removed; left out until they are. */
  readonly erased?: readonly string[]
  /** Where the record is, if there is one, that it was retired before; it says the message. */
  readonly retired?: string
  /** How often all of it was to be looked for once more. */
  readonly again?: number
}

/** Rows that were put aside, and how many. */
export type QuarantinedContent = StoredContent & { readonly rows: number }

export interface StoredContent {
  readonly uri: string
  readonly sha256: string
  readonly bytes: number
}
