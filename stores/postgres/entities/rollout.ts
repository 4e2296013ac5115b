import { Column, Entity, PrimaryColumn } from 'typeorm'
import type { DecisionEntry } from '../../../domain/rollouts/turn.js'

/** One line of a rollout's decision log: what was decided, from which evidence. */
@Entity('rollout_decisions')
export class RolloutDecision {
  @PrimaryColumn('uuid') rolloutId!: string
  /** Counts the entries of a rollout, from 1. */
  @PrimaryColumn('integer') number!: number
  @Column('timestamptz') at!: Date
  @Column('jsonb') entry!: DecisionEntry
}
