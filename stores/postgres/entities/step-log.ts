import { Column, Entity, PrimaryColumn } from 'typeorm'

/** A part of what a step of a run has printed, until all of it is one object. Lines end with a line feed. */
@Entity('step_log_chunks')
export class StepLogChunk {
  @PrimaryColumn('uuid') runId!: string
  @PrimaryColumn('text') step!: string
  @PrimaryColumn('integer') generation!: number
  /** From 1, without gaps: a later try of the step goes on after the earlier one. */
  @PrimaryColumn('integer') sequence!: number
  @Column('text') text!: string
  @Column('timestamptz') writtenAt!: Date
}
