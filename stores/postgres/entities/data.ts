import { Column, Entity, Index, PrimaryColumn, PrimaryGeneratedColumn, Unique } from 'typeorm'

/** A pack of chunks that is in the object store. */
@Entity('data_packs')
@Unique(['project', 'sha256'])
@Index(['doomedBy'], { where: '"doomed_by" IS NOT NULL' })
export class DataPack {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' }) id!: string
  @Column('text') project!: string
  @Column('bytea') sha256!: Buffer
  @Column('integer') bytes!: number
  /** When each of its chunks was read and found to be what the index says; null until then. */
  @Column('timestamptz', { nullable: true }) verifiedAt!: Date | null
  /** When somebody last sent it, or was told that a chunk in it is there. */
  @Column('timestamptz') usedAt!: Date
  /** The epoch in which a version was last made that needs it. */
  @Column('bigint', { default: 0 }) usedEpoch!: string
  /** When a collection found that nothing needs it: whoever does takes it up again, or it goes. */
  @Column('timestamptz', { nullable: true }) doomedAt!: Date | null
  @Column('uuid', { nullable: true }) doomedBy!: string | null
}

/** Where a chunk is. One that is in several packs has several rows. */
@Entity('data_chunks')
@Index(['packId'])
export class DataChunk {
  @PrimaryColumn('text') project!: string
  @PrimaryColumn('bytea') sha256!: Buffer
  @PrimaryColumn('bigint') packId!: string
  @Column('integer') offset!: number
  @Column('integer') stored!: number
  @Column('integer') bytes!: number
  /** Its place in the list of codecs. */
  @Column('smallint') codec!: number
}

/** Packs that a push has brought. */
@Entity('data_push_packs')
export class DataPushPack {
  @PrimaryColumn('uuid') runId!: string
  @PrimaryColumn('bigint') packId!: string
}

/** A push or a pull under way, by its run: while it has time left, what it needs is not removed. */
@Entity('data_transfers')
export class DataTransfer {
  @PrimaryColumn('uuid') runId!: string
  @Column('text') project!: string
  @Column('timestamptz') openedAt!: Date
  /** Moved on with each request of its client. */
  @Column('timestamptz') expiresAt!: Date
  /** When its client had nothing more to send, or to read. */
  @Column('timestamptz', { nullable: true }) sealedAt!: Date | null
  /** When the run had ended. */
  @Column('timestamptz', { nullable: true }) releasedAt!: Date | null
  @Column('integer') files!: number
  @Column('bigint') bytes!: string
  @Column('integer') packs!: number
}

/** A branch or a tag of a dataset. */
@Entity('data_refs')
export class DataRef {
  @PrimaryColumn('uuid') datasetId!: string
  @PrimaryColumn('text') name!: string
  @Column('text') kind!: 'branch' | 'tag'
  /** Null where it was removed. */
  @Column('integer', { nullable: true }) version!: number | null
  /** Counts its changes. */
  @Column('integer') sequence!: number
  @Column('text') principal!: string
  @Column('timestamptz') updatedAt!: Date
  /** The last change that is in the object store too. */
  @Column('integer') recorded!: number
}
