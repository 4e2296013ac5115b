import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, type Relation, Unique } from 'typeorm'

@Entity('models')
@Unique(['project', 'name'])
export class Model {
  @PrimaryColumn('uuid') id!: string
  @Column('text') project!: string
  @Column('text') name!: string
  @Column('timestamptz') createdAt!: Date
}

/** Immutable. The registered bytes are the evaluated bytes. */
@Entity('model_versions')
@Unique(['modelId', 'version'])
@Index(['effectKey'], { unique: true })
export class ModelVersion {
  @PrimaryColumn('uuid') id!: string
  @Column('uuid') modelId!: string
  @ManyToOne(() => Model, { nullable: false })
  @JoinColumn({ name: 'model_id' })
  model!: Relation<Model>
  @Column('integer') version!: number
  @Column('text') engine!: string
  @Column('text') sha256!: string
  @Column('jsonb') artifacts!: Record<string, { uri: string; sha256: string; bytes: number }>
  @Column('jsonb') signature!: unknown
  /** These three are a training's; null where a pipeline has registered a file. */
  @Column('jsonb', { nullable: true }) metrics!: unknown
  @Column('jsonb', { nullable: true }) gate!: unknown
  @Column('jsonb', { nullable: true }) parity!: unknown
  /** Dataset version, code, parameters, engine: what the version was made from. */
  @Column('jsonb') lineage!: unknown
  @Column('uuid') runId!: string
  @Column('text') effectKey!: string
  @Column('timestamptz') createdAt!: Date
}

/** A movable name of a version. Its history says who moved it, when and why. */
@Entity('model_aliases')
export class ModelAlias {
  @PrimaryColumn('uuid') modelId!: string
  @ManyToOne(() => Model, { nullable: false })
  @JoinColumn({ name: 'model_id' })
  model!: Relation<Model>
  @PrimaryColumn('text') alias!: string
  @Column('integer') version!: number
  @Column('timestamptz') updatedAt!: Date
}

@Entity('alias_changes')
@Index(['modelId', 'alias', 'at', 'id'])
export class AliasChange {
  @PrimaryColumn('uuid') id!: string
  @Column('uuid') modelId!: string
  @ManyToOne(() => Model, { nullable: false })
  @JoinColumn({ name: 'model_id' })
  model!: Relation<Model>
  @Column('text') alias!: string
  @Column('integer', { nullable: true }) fromVersion!: number | null
  @Column('integer', { nullable: true }) toVersion!: number | null
  @Column('text') principal!: string
  @Column('text') reason!: string
  @Column('timestamptz') at!: Date
}
