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
@Index('prediction_files_unmatched_index', ['deploymentId'], { where: '"matched_at" IS NULL' })
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
  /** When labels were looked for among its rows; whoever adds a file leaves it out. */
  @Column('timestamptz', { nullable: true }) matchedAt?: Date | null
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
@Index('labels_held_index', ['deploymentId', 'receivedAt'], {
  where: '"revision" = 0 AND "matched_at" IS NULL AND "reported_at" IS NULL',
})
@Index('labels_unknown_index', ['deploymentId', 'reportedAt', 'predictionId'], {
  where: '"matched_at" IS NULL AND "reported_at" IS NOT NULL',
})
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
  /** When its prediction was found, and when it was first said that there is none: of revision 0 alone. */
  @Column('timestamptz', { nullable: true }) matchedAt!: Date | null
  @Column('timestamptz', { nullable: true }) reportedAt!: Date | null
}

/**
 * How far the labels of a deployment have been looked for. Its times of receipt are compared within the
 * database alone, which knows microseconds.
 */
@Entity('label_looks')
export class LabelLook {
  @PrimaryColumn('uuid') deploymentId!: string
  /** Counts changes: who has not seen the latest changes nothing. */
  @Column('integer') revision!: number
  /** Labels received up to here have been looked for in every file that there was. */
  @Column('timestamptz', { nullable: true }) sweptUntil!: Date | null
  /** The sweep under way looks for those received after that and up to here; null between sweeps. */
  @Column('timestamptz', { nullable: true }) sweepUntil!: Date | null
  /** Latest event time and id of the file it has come to, from the newest on; null where it begins. */
  @Column('timestamptz', { nullable: true }) sweepEventTime!: Date | null
  @Column('uuid', { nullable: true }) sweepFile!: string | null
  /** How long it has read, and until when the next one waits. */
  @Column('integer') sweepMs!: number
  @Column('timestamptz', { nullable: true }) restUntil!: Date | null
  @Column('timestamptz') lookedAt!: Date
}
