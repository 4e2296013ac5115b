import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { IsOptional } from 'class-validator'
import type {
  AcknowledgeIncident,
  EndIncident,
  Incident,
  IncidentEvent,
  IncidentRetraining,
  IncidentRun,
  IncidentState,
  IncidentSummary,
  IncidentVerbAccepted,
  IncidentWindow,
  RetrainIncident,
} from '../../contracts/rest/incidents.js'
import { INCIDENT_TRANSITIONS } from '../../domain/incidents/incident-status.js'
import { ChoiceField, isInstant, TextField } from '../http/fields.js'
import { PageQueryDto } from '../http/paging.js'
import { WindowSummaryDto } from '../monitoring/windows.dto.js'
import { OperationDto, STATUSES } from '../runs/operation.dto.js'

const INCIDENT_STATUSES = Object.keys(INCIDENT_TRANSITIONS) as IncidentState[]

export class IncidentsQueryDto extends PageQueryDto {
  @ChoiceField(INCIDENT_STATUSES, { optional: true }) status?: IncidentState
  @TextField({ optional: true, max: 100 }) deployment?: string
}

export class AcknowledgeIncidentDto implements AcknowledgeIncident {
  @TextField({ min: 1, max: 1000, description: 'kept with the incident' }) reason!: string
}

export class RetrainIncidentDto implements RetrainIncident {
  @TextField({ min: 1, max: 1000, description: 'kept with the incident' }) reason!: string
  @ApiPropertyOptional({
    format: 'date-time',
    description:
      'event time up to which predictions are used; the end of the newest whole window where missing',
  })
  @IsOptional()
  @isInstant
  dataUntil?: string
}

export class EndIncidentDto implements EndIncident {
  @TextField({ min: 1, max: 1000, description: 'kept with the incident' }) reason!: string
  @ApiPropertyOptional({
    format: 'date-time',
    description:
      'windows that begin before this event time open no other incident; the end of the newest judged one where missing',
  })
  @IsOptional()
  @isInstant
  settledUntil?: string
}

class IncidentWindowDto implements IncidentWindow {
  @ApiProperty({ example: '2012-01' }) id!: string
  @ApiProperty({ format: 'date-time' }) start!: string
  @ApiProperty({ format: 'date-time', description: 'not in the window' }) end!: string
}

class AcknowledgedDto {
  @ApiProperty({ example: 'key:admin' }) by!: string
  @ApiProperty() note!: string
}

class IncidentLinksDto {
  @ApiProperty() self!: string
  @ApiProperty({ description: 'the evidence for people, one HTML file' }) page!: string
  @ApiProperty() events!: string
  @ApiProperty({ description: 'the run that follows it' }) operation!: string
}

export class IncidentSummaryDto implements IncidentSummary {
  @ApiProperty({ format: 'uuid' }) id!: string
  @ApiProperty() deployment!: string
  @ApiProperty({ enum: ['errors'] }) signal!: 'errors'
  @ApiProperty({ enum: INCIDENT_STATUSES, enumName: 'IncidentStatus' }) status!: IncidentState
  @ApiProperty({ example: 'waiting for data 2176/2800' }) message!: string
  @ApiProperty({ type: [IncidentWindowDto], description: 'breached in a row' }) openedBy!: IncidentWindowDto[]
  @ApiProperty({ type: AcknowledgedDto, nullable: true }) acknowledged!: AcknowledgedDto | null
  @ApiProperty({ format: 'date-time' }) openedAt!: string
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) closedAt!: string | null
  @ApiProperty({ type: IncidentLinksDto }) links!: IncidentLinksDto
}

class IncidentLiveDto {
  @ApiProperty() status!: string
  @ApiProperty({ type: String, nullable: true }) message!: string | null
}

class RetrainingSetDto {
  @ApiProperty() name!: string
  @ApiProperty({ type: 'integer' }) version!: number
  @ApiProperty({ type: 'integer' }) rows!: number
  @ApiProperty({ type: 'integer', description: 'labelled predictions among them' }) added!: number
}

class IncidentRunDto implements IncidentRun {
  @ApiProperty({ format: 'uuid' }) id!: string
  @ApiProperty({ enum: ['training', 'pipeline', 'rollout'] }) kind!: IncidentRun['kind']
  @ApiProperty({ enum: STATUSES, enumName: 'RunStatus' }) status!: IncidentRun['status']
  @ApiProperty({ type: String, nullable: true, description: 'how it ended' }) outcome!: string | null
  @ApiProperty() href!: string
}

class IncidentRetrainingDto implements IncidentRetraining {
  @ApiProperty({ type: 'integer', description: 'from 1' }) number!: number
  @ApiProperty({ enum: ['automatic', 'requested'] }) trigger!: IncidentRetraining['trigger']
  @ApiProperty({ format: 'date-time', description: 'event time' }) dataUntil!: string
  @ApiProperty({ type: 'integer', nullable: true }) version!: number | null
  @ApiProperty({ type: RetrainingSetDto, nullable: true }) dataset!: RetrainingSetDto | null
  @ApiProperty({
    type: IncidentRunDto,
    nullable: true,
    description: "gives the version: a training, or a run of the policy's pipeline",
  })
  training!: IncidentRunDto | null
  @ApiProperty({ type: IncidentRunDto, nullable: true }) rollout!: IncidentRunDto | null
}

export class IncidentEventDto implements IncidentEvent {
  @ApiProperty({ type: 'integer', description: 'from 1' }) number!: number
  @ApiProperty({ format: 'date-time' }) at!: string
  @ApiProperty({ enum: INCIDENT_STATUSES, enumName: 'IncidentStatus' }) status!: IncidentState
  @ApiProperty() message!: string
  @ApiProperty({ type: 'object', additionalProperties: true }) evidence!: Record<string, unknown>
}

export class IncidentDto extends IncidentSummaryDto implements Incident {
  @ApiProperty({
    type: IncidentLiveDto,
    nullable: true,
    description: 'null when nobody answers within a second',
  })
  live!: IncidentLiveDto | null
  @ApiProperty({ type: [WindowSummaryDto], description: 'from the first breached one on, newest first' })
  windows!: WindowSummaryDto[]
  @ApiProperty({ type: [IncidentRetrainingDto] }) retrainings!: IncidentRetrainingDto[]
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'windows that begin before it open no other incident; null until it has ended',
  })
  settledUntil!: string | null
  @ApiProperty({ type: [IncidentEventDto], description: 'the newest, newest first' })
  events!: IncidentEventDto[]
  @ApiProperty({ type: OperationDto, description: 'the run that follows it' }) operation!: OperationDto
}

export class IncidentVerbAcceptedDto implements IncidentVerbAccepted {
  @ApiProperty({ format: 'uuid' }) incidentId!: string
  @ApiProperty({ enum: INCIDENT_STATUSES, enumName: 'IncidentStatus' }) status!: IncidentState
  @ApiProperty() message!: string
}
