import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, type Relation, Unique } from 'typeorm'
import type { RunFailure } from '../../../contracts/temporal/messages.js'
import type { Json } from '../../../domain/canonical-json.js'
import type { PipelineDefinition } from '../../../domain/pipelines/definition.js'
import type { StepState } from '../../../domain/pipelines/progress.js'

@Entity('pipelines')
@Unique(['project', 'name'])
export class Pipeline {
  @PrimaryColumn('uuid') id!: string
  @Column('text') project!: string
  @Column('text') name!: string
  /** Number of the newest version. */
  @Column('integer') version!: number
  @Column('timestamptz') createdAt!: Date
  /** Runs that have begun go on; new ones are refused until it is applied again. */
  @Column('timestamptz', { nullable: true }) deletedAt!: Date | null
}

/** Immutable: runs are pinned to a version. */
@Entity('pipeline_versions')
export class PipelineVersion {
  @PrimaryColumn('uuid') pipelineId!: string
  @ManyToOne(() => Pipeline, { nullable: false })
  @JoinColumn({ name: 'pipeline_id' })
  pipeline!: Relation<Pipeline>
  @PrimaryColumn('integer') version!: number
  @Column('jsonb') definition!: PipelineDefinition
  /** Of the definition as canonical JSON. */
  @Column('text') sha256!: string
  @Column('text') principal!: string
  @Column('timestamptz') createdAt!: Date
}

export interface RollBackAsked {
  readonly attempt: number
  readonly by: string
  readonly reason: string | null
}

/** What a run of a pipeline has beside what every run has. */
@Entity('pipeline_runs')
export class PipelineRun {
  @PrimaryColumn('uuid') runId!: string
  /** Of the steps that were reset: how often they have been asked for. The others are at 1. */
  @Column('jsonb') generations!: Readonly<Record<string, number>>
  /** Counts writes to its steps: whoever watches looks again when it has grown. */
  @Column('integer') revision!: number
  /** Somebody asked for a roll back after the run had ended: this attempt does that alone. */
  @Column('jsonb', { nullable: true }) rollBack!: RollBackAsked | null
}

/** A step of a run that has begun. What it left is in the ledger; this is how it went. */
@Entity('pipeline_steps')
@Index(['child'], { where: '"child" IS NOT NULL' })
export class PipelineStep {
  @PrimaryColumn('uuid') runId!: string
  @PrimaryColumn('text') step!: string
  @PrimaryColumn('integer') generation!: number
  @Column('text') state!: StepState
  /** Attempt of the run that has begun it last. */
  @Column('integer') attempt!: number
  /** Tries that have failed in that attempt; workers that were lost do not count. */
  @Column('integer') tries!: number
  /** Begins in that attempt: those that neither failed nor ended were lost with their worker. */
  @Column('integer') starts!: number
  /** What it was given, references resolved. */
  @Column('jsonb') inputs!: Readonly<Record<string, Json>>
  @Column('jsonb', { nullable: true }) error!: RunFailure | null
  /** The run that does it, where that is one of its own. */
  @Column('uuid', { nullable: true }) child!: string | null
  /** Attempt of the run that has started that one. */
  @Column('integer', { nullable: true }) childAttempt!: number | null
  @Column('timestamptz') startedAt!: Date
  @Column('timestamptz', { nullable: true }) endedAt!: Date | null
  /** Object of its whole log, once it has ended well. */
  @Column('text', { nullable: true }) log!: string | null
}

/** The newest outcome of a step with these inputs, to be taken over where a step may. */
@Entity('step_outcomes')
export class StepMemo {
  @PrimaryColumn('text') project!: string
  /** Hash of step type, its version and the inputs. */
  @PrimaryColumn('text') key!: string
  @Column('uuid') runId!: string
  @Column('text') step!: string
  @Column('integer') generation!: number
  @Column('timestamptz') createdAt!: Date
}
