import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm'
import type { RunFailure } from '../../../contracts/temporal/messages.js'
import type { Json } from '../../../domain/canonical-json.js'
import type { Problem } from '../../../domain/errors.js'
import type { SensorCursor, SensorSource, TickOutcome } from '../../../domain/sensors/sensor.js'

/** What a sensor watches and starts, and how far it has come. */
@Entity('sensors')
/** One sensor of a name at a time; those that were deleted stay, with their ticks. */
@Index(['project', 'name'], { unique: true, where: '"deleted_at" IS NULL' })
@Index(['project', 'createdAt', 'id'])
export class Sensor {
  @PrimaryColumn('uuid') id!: string
  @Column('text') project!: string
  @Column('text') name!: string
  @Column('jsonb') source!: SensorSource
  @Column('text') pipeline!: string
  /** Of the pipeline; they may refer to the tick. */
  @Column('jsonb') parameters!: Readonly<Record<string, Json>>
  @Column('integer') intervalSeconds!: number
  @Column('integer') maxOpenRuns!: number
  @Column('boolean') paused!: boolean
  @Column('text', { nullable: true }) note!: string | null
  @Column('text') principal!: string
  /** Counts its definitions. */
  @Column('integer') revision!: number
  /** Counts how often it was begun anew: by a reset, or with another source. Its ticks count anew then. */
  @Column('integer') incarnation!: number
  /** What the source had before this moment is no tick. */
  @Column('timestamptz') since!: Date
  /** Null before the first look of an incarnation. */
  @Column('jsonb', { nullable: true }) cursor!: SensorCursor | null
  /** Counts the writes of its workflow: one that comes late changes nothing. */
  @Column('integer') sequence!: number
  /** Events that were sent to it. */
  @Column('integer') events!: number
  /** Why the last look could not see the source; null where it could. */
  @Column('jsonb', { nullable: true }) lastError!: RunFailure | null
  @Column('timestamptz', { nullable: true }) failingSince!: Date | null
  /** Looks in a row that could not. */
  @Column('integer') failures!: number
  @Column('timestamptz', { nullable: true }) lookedAt!: Date | null
  @Column('timestamptz', { nullable: true }) nextLookAt!: Date | null
  @Column('timestamptz') createdAt!: Date
  @Column('timestamptz') updatedAt!: Date
  @Column('timestamptz', { nullable: true }) deletedAt!: Date | null
}

/** Something that a sensor has seen, and what came of it. Never changed. */
@Entity('sensor_ticks')
@Index(['sensorId', 'at', 'id'])
@Index(['sensorId', 'incarnation', 'key'], { unique: true })
@Index(['runId'], { unique: true, where: '"run_id" IS NOT NULL' })
export class SensorTick {
  @PrimaryColumn('uuid') id!: string
  @Column('uuid') sensorId!: string
  @ManyToOne(() => Sensor, { nullable: false })
  @JoinColumn({ name: 'sensor_id' })
  sensor!: Relation<Sensor>
  @Column('integer') incarnation!: number
  /** Names what was seen among all that the source has. */
  @Column('text') key!: string
  /** What was seen, any JSON. */
  @Column('jsonb', { nullable: true }) payload!: unknown
  /** What was seen, where its content was kept. */
  @Column('text', { nullable: true }) objectUri!: string | null
  @Column('text') outcome!: TickOutcome
  /** Of a tick that was started. */
  @Column('uuid', { nullable: true }) runId!: string | null
  /** Why it was not, and all that is wrong with its parameters. */
  @Column('text', { nullable: true }) reason!: string | null
  @Column('jsonb') problems!: readonly Problem[]
  @Column('timestamptz') at!: Date
}

/** What was sent to a sensor. It is taken on in the order of its numbers. */
@Entity('sensor_events')
@Index(['sensorId', 'key'], { unique: true })
export class SensorEvent {
  @PrimaryColumn('uuid') sensorId!: string
  /** Counts the events of a sensor, from 1. */
  @PrimaryColumn('integer') number!: number
  @ManyToOne(() => Sensor, { nullable: false })
  @JoinColumn({ name: 'sensor_id' })
  sensor!: Relation<Sensor>
  /** The Idempotency-Key. */
  @Column('text') key!: string
  @Column('text') bodySha256!: string
  /** What was sent, any JSON. */
  @Column('jsonb', { nullable: true }) payload!: unknown
  @Column('text') principal!: string
  @Column('timestamptz') at!: Date
}
