import { Column, Entity, Index, PrimaryColumn } from 'typeorm'
import type { RunFailure } from '../../../contracts/temporal/messages.js'
import type { RunKind, RunTrigger } from '../../../domain/names.js'
import type { RetryPolicy } from '../../../domain/runs/retry-policy.js'
import type { RunStatus } from '../../../domain/runs/run-status.js'

/** What somebody asked for and what became of it. Work in flight is Temporal's; this is the identity and the end. */
@Entity('runs')
@Index(['project', 'kind', 'createdAt', 'id'])
@Index(['project', 'createdAt', 'id'])
@Index(['status', 'touchedAt'], { where: `"status" IN ('accepted', 'running')` })
/** One rollout of a deployment at a time: the name of its run is the deployment's. */
@Index(['project', 'name'], {
  unique: true,
  where: `"kind" = 'rollout' AND "status" IN ('accepted', 'running')`,
})
@Index(['nextAttemptAt'], { where: '"next_attempt_at" IS NOT NULL' })
@Index(['endedAt'], { where: '"ended_at" IS NOT NULL AND "history" IS NULL' })
export class Run {
  @PrimaryColumn('uuid') id!: string
  @Column('text') project!: string
  @Column('text') kind!: RunKind
  /** Name of the dataset, model or deployment that the run works for. */
  @Column('text') name!: string
  @Column('text') status!: RunStatus
  /** Grows with every write: see writeSequence. */
  @Column('integer') sequence!: number
  @Column('integer') attempt!: number
  @Column('integer') generation!: number
  @Column('text') workflowId!: string
  /** Temporal's id of the latest execution, for links; never part of a key. */
  @Column('text', { nullable: true }) executionId!: string | null
  @Column('text') stage!: string
  /** The validated request, complete: a DatasetRequest, a TrainingSpec or a RolloutSpec. */
  @Column('jsonb') request!: unknown
  @Column('jsonb', { nullable: true }) result!: unknown
  @Column('jsonb', { nullable: true }) error!: RunFailure | null
  @Column('jsonb') warnings!: readonly string[]
  @Column('jsonb') retryPolicy!: RetryPolicy
  @Column('timestamptz', { nullable: true }) nextAttemptAt!: Date | null
  /** Why it is not retried by itself, once it has ended badly. */
  @Column('text', { nullable: true }) retryNote!: string | null
  /** 1 comes first, 5 last; that of its kind where nobody has said. */
  @Column('integer', { nullable: true }) priority!: number | null
  /** Who asked: `key:<name>`, `schedule:<name>`, or `incident:<id>` and `retraining:<id>` for their own runs. */
  @Column('text') principal!: string
  @Column('text') trigger!: RunTrigger
  @Column('timestamptz') createdAt!: Date
  @Column('timestamptz', { nullable: true }) startedAt!: Date | null
  @Column('timestamptz', { nullable: true }) endedAt!: Date | null
  @Column('timestamptz') touchedAt!: Date
  /** Archived history of the latest closed execution, gzipped JSON in the object store. */
  @Column('text', { nullable: true }) history!: string | null
}
