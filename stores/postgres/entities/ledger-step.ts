import { Column, Entity, PrimaryColumn } from 'typeorm'

/** A finished step of a run. Written in the transaction that commits the step's outcome. */
@Entity('ledger_steps')
export class LedgerStep {
  @PrimaryColumn('uuid') runId!: string
  @PrimaryColumn('text') step!: string
  @PrimaryColumn('integer') generation!: number
  @Column('jsonb') outcome!: unknown
  /** Attempt of the run in which the step finished. */
  @Column('integer') attempt!: number
  @Column('timestamptz') finishedAt!: Date
}
