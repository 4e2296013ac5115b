import { Column, Entity, Index, PrimaryColumn } from 'typeorm'
import type { BreachCheck } from '../../../domain/drift/breach.js'
import type { ReferenceDescription } from '../../../domain/drift/window-report.js'
import type { WindowState } from '../../../domain/drift/window-state.js'
import type { RegressionMetrics } from '../../../domain/training/metrics.js'

interface StoredReport {
  readonly uri: string
  readonly sha256: string
  readonly bytes: number
}

/** Until where predictions and labels had come in; neither ever shrinks. */
export interface DriftInputs {
  /** Ingested files, whichever files hold their rows now. */
  readonly files: number
  readonly labels: number
}

/** A window that nobody has assessed yet, and why. */
export interface PendingWindow {
  readonly id: string
  /** Epoch milliseconds. */
  readonly start: number
  readonly end: number
  readonly state: WindowState
  readonly reason: string
}

/** An assessment of a window. Late rows and corrected labels make a new one; the highest revision holds. */
@Entity('drift_windows')
@Index(['effectKey'], { unique: true })
@Index(['deploymentId', 'startsAt', 'windowId'])
export class DriftWindow {
  @PrimaryColumn('uuid') deploymentId!: string
  @PrimaryColumn('text') windowId!: string
  /** Counts the assessments of the window, from 1. */
  @PrimaryColumn('integer') revision!: number
  @Column('timestamptz') startsAt!: Date
  /** Not in the window. */
  @Column('timestamptz') endsAt!: Date
  @Column('text') state!: WindowState
  @Column('text') reason!: string
  @Column('boolean', { nullable: true }) breached!: boolean | null
  @Column('integer') rows!: number
  @Column('integer') labelled!: number
  /** Predictions that were dropped and not logged. */
  @Column('integer') dropped!: number
  /** Who answered it; shares sum to 1. */
  @Column('jsonb') versions!: readonly { readonly version: number; readonly share: number }[]
  @Column('jsonb', { nullable: true }) metrics!: RegressionMetrics | null
  @Column('jsonb') checks!: readonly BreachCheck[]
  @Column('jsonb') reference!: ReferenceDescription
  @Column('jsonb') report!: { readonly json: StoredReport; readonly html: StoredReport }
  /** SHA-256 of what it follows from: rows, labels, policy (`windowBasis`). */
  @Column('text') fingerprint!: string
  /** What had come in when it was looked at: a check that looked earlier is not newer. */
  @Column('jsonb') asOf!: DriftInputs
  @Column('uuid') runId!: string
  @Column('text') effectKey!: string
  @Column('timestamptz') createdAt!: Date
}

/** What the schedule saw of a deployment when it last looked for windows that are due. */
@Entity('drift_looks')
export class DriftLook {
  @PrimaryColumn('uuid') deploymentId!: string
  /** SHA-256 of policy and inputs: while it is the same, nothing can have become due. */
  @Column('text') seen!: string
  @Column('jsonb') pending!: readonly PendingWindow[]
  @Column('timestamptz') lookedAt!: Date
}
