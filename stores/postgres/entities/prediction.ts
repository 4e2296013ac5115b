import { Column, Entity, Index, PrimaryColumn } from 'typeorm'

/** Predictions that a replica dropped when its disk budget was spent; nothing is dropped silently. */
export interface PredictionGap {
  readonly deployment: string
  readonly firstSequence: number
  readonly lastSequence: number
  /** Epoch milliseconds of the event times that the dropped records had. */
  readonly fromEventTime: number
  readonly toEventTime: number
}

/** A sealed part of a replica's prediction log, uploaded by the replica; its numbers have no gaps. */
@Entity('prediction_segments')
@Index(['project', 'sealedAt'], { where: '"ingested_at" IS NULL' })
@Index(['project', 'replica', 'lastSequence'])
export class PredictionSegment {
  @PrimaryColumn('text') project!: string
  @PrimaryColumn('uuid') replica!: string
  @PrimaryColumn('integer') segment!: number
  @Column('text') uri!: string
  @Column('text') sha256!: string
  @Column('bigint') bytes!: string
  @Column('integer') records!: number
  @Column('bigint') firstSequence!: string
  @Column('bigint') lastSequence!: string
  @Column('jsonb') gaps!: readonly PredictionGap[]
  @Column('timestamptz') sealedAt!: Date
  /** How often its object could not be read, and when to look again. */
  @Column('integer', { default: 0 }) tries!: number
  @Column('timestamptz', { default: () => 'now()' }) dueAt!: Date
  @Column('timestamptz', { nullable: true }) ingestedAt!: Date | null
  /** Why it can never be ingested, such as a checksum that does not hold. */
  @Column('text', { nullable: true }) problem!: string | null
}

/**
 * A Parquet file of predictions of one deployment; the catalogue that windows and gates read from. One
 * that was replaced stays here, since datasets and segments name it: only its object goes.
 */
@Entity('prediction_files')
@Index(['effectKey'], { unique: true })
@Index(['deploymentId', 'minEventTime'], { where: '"replaced_by" IS NULL' })
@Index(['deploymentId', 'maxRevision'], { where: '"replaced_by" IS NULL' })
@Index(['deploymentId', 'createdAt'], { where: '"replaced_by" IS NULL' })
@Index(['replacedAt'], { where: '"replaced_at" IS NOT NULL AND "deleted_at" IS NULL' })
export class PredictionFile {
  @PrimaryColumn('uuid') id!: string
  @Column('uuid') deploymentId!: string
  @Column('text') uri!: string
  @Column('text') sha256!: string
  @Column('bigint') bytes!: string
  @Column('integer') rows!: number
  /** First and last event time of its rows and its gaps. */
  @Column('timestamptz') minEventTime!: Date
  @Column('timestamptz') maxEventTime!: Date
  /** Revisions of the plans that its rows were answered by; 0 for a file of gaps alone. */
  @Column('integer') minRevision!: number
  @Column('integer') maxRevision!: number
  /** The segments whose records it holds, as `replica/segment` or `replica/first-last`. */
  @Column('jsonb') segments!: readonly string[]
  @Column('jsonb') gaps!: readonly PredictionGap[]
  @Column('text') effectKey!: string
  /** When its newest rows were ingested. */
  @Column('timestamptz') createdAt!: Date
  /** How many ingested files it is made of; 1 for one of them. */
  @Column('integer', { default: 1 }) sources!: number
  /** The file that holds its rows now; readers look at files that nothing has replaced. */
  @Column('uuid', { nullable: true }) replacedBy!: string | null
  @Column('timestamptz', { nullable: true }) replacedAt!: Date | null
  /** When its object was deleted: nobody reads it any more. */
  @Column('timestamptz', { nullable: true }) deletedAt!: Date | null
}

export type NewPredictionFile = Omit<
  PredictionFile,
  'createdAt' | 'sources' | 'replacedBy' | 'replacedAt' | 'deletedAt'
>

/** What really happened. A later different value is kept beside the first and wins: the highest revision holds. */
@Entity('labels')
@Index(['deploymentId', 'receivedAt'])
export class Label {
  @PrimaryColumn('uuid') deploymentId!: string
  @PrimaryColumn('text') predictionId!: string
  /** 0 for the first value, then counting corrections. */
  @PrimaryColumn('integer') revision!: number
  @Column('double precision') value!: number
  /** When it became known, as the sender says. */
  @Column('timestamptz') at!: Date
  @Column('timestamptz') receivedAt!: Date
  @Column('text') principal!: string
}
