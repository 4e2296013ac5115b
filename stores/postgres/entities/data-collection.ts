import { Column, Entity, Index, PrimaryColumn } from 'typeorm'
import type { CollectionPlan } from '../../../contracts/temporal/data-collection.js'

/** Counts the collections of a project: a pack that was used in an epoch is not removed by the collection of it. */
@Entity('data_epochs')
export class DataEpoch {
  @PrimaryColumn('text') project!: string
  @Column('bigint') epoch!: string
}

/** A pack that something relies on which is no version yet: a push, by its run, or a table that is put into packs. */
@Entity('data_holds')
@Index(['packId'])
export class DataHold {
  @PrimaryColumn('uuid') owner!: string
  @PrimaryColumn('bigint') packId!: string
}

/** A chunk or node that a collection has found to be needed. */
@Entity('data_marks')
@Index(['runId'], { where: '"is_open"' })
export class DataMark {
  @PrimaryColumn('uuid') runId!: string
  @PrimaryColumn('bytea') sha256!: Buffer
  @Column('boolean') isNode!: boolean
  /** True for a node whose entries are not marked yet. */
  @Column('boolean') isOpen!: boolean
}

/** What a collection has planned, by its run. */
@Entity('data_collections')
export class DataCollectionRow {
  @PrimaryColumn('uuid') runId!: string
  @Column('text') project!: string
  /** Packs that were used in it, or later, stay; null until it has begun. */
  @Column('bigint', { nullable: true }) epoch!: string | null
  @Column('jsonb', { nullable: true }) plan!: CollectionPlan | null
  @Column('timestamptz', { nullable: true }) plannedAt!: Date | null
  /** The collection whose plan it executes. */
  @Column('uuid', { nullable: true }) planId!: string | null
  /** The collection that executes its plan. */
  @Column('uuid', { nullable: true }) executedBy!: string | null
}

/** A pack that a collection is to remove; what of it is needed is first written into another one. */
@Entity('data_collection_packs')
export class DataCollectionPack {
  @PrimaryColumn('uuid') runId!: string
  @PrimaryColumn('bigint') packId!: string
  @Column('bytea') sha256!: Buffer
  @Column('integer') bytes!: number
  /** Bytes of it that are needed. */
  @Column('integer') liveBytes!: number
  @Column('timestamptz', { nullable: true }) repackedAt!: Date | null
  /** When its row was removed. */
  @Column('timestamptz', { nullable: true }) sweptAt!: Date | null
  /** When its object was. */
  @Column('timestamptz', { nullable: true }) removedAt!: Date | null
}

/** An object of a table that was removed, though rows of what was done with it before still name it. */
@Entity('removed_objects')
export class RemovedObject {
  @PrimaryColumn('text') uri!: string
  @Column('timestamptz') removedAt!: Date
}

/** What a verification has found damaged, by its run. */
@Entity('data_damages')
export class DataDamage {
  @PrimaryColumn('uuid') runId!: string
  @PrimaryColumn('text') uri!: string
  @PrimaryColumn('text') what!: string
  /** It was not there at all. */
  @Column('boolean') missing!: boolean
  /** Null until that was tried. */
  @Column('boolean', { nullable: true }) healed!: boolean | null
  /** Of a pack: its row may be gone. */
  @Column('bigint', { nullable: true }) packId!: string | null
  @Column('integer', { nullable: true }) bytes!: number | null
  @Column('timestamptz') foundAt!: Date
}

/** A version that a collection is to retire. */
@Entity('data_collection_versions')
export class DataCollectionVersion {
  @PrimaryColumn('uuid') runId!: string
  @PrimaryColumn('uuid') versionId!: string
  @Column('timestamptz', { nullable: true }) retiredAt!: Date | null
}
