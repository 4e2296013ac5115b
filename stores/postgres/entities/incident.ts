import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm'
import type { Evidence, IncidentState } from '../../../domain/incidents/incident.js'
import type { IncidentSignal, IncidentStatus } from '../../../domain/incidents/incident-status.js'
import { Deployment } from './deployment.js'

/** A deployment whose errors have gone up, until that has ended. Its id is that of the run that follows it. */
@Entity('incidents')
@Index(['project', 'openedAt', 'id'])
/** One open incident of a deployment and signal: what opens a second one joins the first. */
@Index(['deploymentId', 'signal'], {
  unique: true,
  where: `"status" NOT IN ('closed', 'suppressed')`,
})
export class Incident {
  @PrimaryColumn('uuid') id!: string
  @Column('text') project!: string
  @Column('uuid') deploymentId!: string
  @ManyToOne(() => Deployment, { nullable: false })
  @JoinColumn({ name: 'deployment_id' })
  deployment!: Relation<Deployment>
  @Column('text') signal!: IncidentSignal
  @Column('text') status!: IncidentStatus
  /** What it waits for, or how it ended, for people. */
  @Column('text') message!: string
  @Column('jsonb') state!: IncidentState
  /** Events so far: a write with fewer is late and changes nothing. */
  @Column('integer') events!: number
  @Column('timestamptz') openedAt!: Date
  @Column('timestamptz', { nullable: true }) closedAt!: Date | null
}

/** One line of an incident's story. Never changed. */
@Entity('incident_events')
export class IncidentEvent {
  @PrimaryColumn('uuid') incidentId!: string
  /** Counts the events of an incident, from 1. */
  @PrimaryColumn('integer') number!: number
  @Column('timestamptz') at!: Date
  /** The status that follows. */
  @Column('text') status!: IncidentStatus
  @Column('text') message!: string
  @Column('jsonb') evidence!: Evidence
}
