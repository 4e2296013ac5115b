import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, type Relation, Unique } from 'typeorm'
import type { AssetDefinition } from '../../../domain/assets/definition.js'
import type { AssetInput } from '../../../domain/assets/staleness.js'

@Entity('assets')
@Unique(['project', 'name'])
export class Asset {
  @PrimaryColumn('uuid') id!: string
  @Column('text') project!: string
  @Column('text') name!: string
  /** Number of the newest version. */
  @Column('integer') version!: number
  @Column('timestamptz') createdAt!: Date
  @Column('timestamptz', { nullable: true }) deletedAt!: Date | null
}

@Entity('asset_versions')
export class AssetVersion {
  @PrimaryColumn('uuid') assetId!: string
  @ManyToOne(() => Asset, { nullable: false })
  @JoinColumn({ name: 'asset_id' })
  asset!: Relation<Asset>
  @PrimaryColumn('integer') version!: number
  @Column('jsonb') definition!: AssetDefinition
  /** Of the definition as canonical JSON. */
  @Column('text') sha256!: string
  /** Of the part of it that decides how it is made. */
  @Column('text') shapeSha256!: string
  @Column('text') principal!: string
  @Column('timestamptz') createdAt!: Date
}

/** A key of dynamic partitions. */
@Entity('asset_partitions')
export class AssetPartition {
  @PrimaryColumn('uuid') assetId!: string
  @ManyToOne(() => Asset, { nullable: false })
  @JoinColumn({ name: 'asset_id' })
  asset!: Relation<Asset>
  @PrimaryColumn('text') key!: string
  @Column('text') principal!: string
  @Column('timestamptz') createdAt!: Date
}

/** A partition was made, by the run that its key is; written once, and never changed. */
@Entity('asset_materialisations')
@Index(['project', 'asset', 'partition', 'at'])
export class AssetMaterialisation {
  @PrimaryColumn('uuid') runId!: string
  @Column('text') project!: string
  @Column('text') asset!: string
  /** Empty for an asset without partitions. */
  @Column('text') partition!: string
  @Column('integer') definitionVersion!: number
  @Column('text') shapeSha256!: string
  /** Of the pipeline's definition and the parameters. */
  @Column('text') codeSha256!: string
  @Column('text') dataSha256!: string
  @Column('jsonb') inputs!: readonly AssetInput[]
  @Column('uuid') backfillId!: string
  @Column('timestamptz') at!: Date
}
