import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import type { Artifact } from '../../contracts/rest/common.js'
import type {
  Operation,
  RetryState,
  RunProblem,
  StepRecord,
  WorkflowLink,
} from '../../contracts/rest/operations.js'
import { RUN_TRANSITIONS } from '../../domain/runs/run-status.js'
import { AnyProperty } from '../http/fields.js'

export const STATUSES = Object.keys(RUN_TRANSITIONS) as Operation['status'][]
export const KINDS = [
  'dataset',
  'push',
  'pull',
  'collection',
  'verification',
  'validation',
  'fit',
  'training',
  'rollout',
  'drift',
  'incident',
  'retraining',
  'pipeline',
  'map',
  'backfill',
] as const

export class ArtifactDto implements Artifact {
  @ApiProperty({ example: 'model.onnx' }) name!: string
  @ApiProperty({ type: 'integer' }) bytes!: number
  @ApiProperty() sha256!: string
  @ApiProperty() contentType!: string
  @ApiProperty({ description: 'path of the download in this API' }) href!: string
}

class ProblemAtDto {
  @ApiProperty() at!: string
  @ApiProperty() message!: string
}

export class RunProblemDto implements RunProblem {
  @ApiProperty() code!: string
  @ApiProperty({ type: 'integer', description: 'status the same problem has where it is found at once' })
  status!: number
  @ApiProperty() message!: string
  @ApiPropertyOptional({ type: [ProblemAtDto] }) problems?: ProblemAtDto[];
  [detail: string]: unknown
}

class RetryStateDto implements RetryState {
  @ApiProperty({ type: [String], description: 'codes of failures that are picked up again' }) codes!: string[]
  @ApiProperty({ type: 'integer' }) maxAttempts!: number
  @ApiProperty() delaySeconds!: number
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'of the next automatic start',
  })
  nextAttemptAt!: string | null
  @ApiProperty({ type: String, nullable: true, description: 'why none is planned, once it has ended badly' })
  note!: string | null
}

class WorkflowLinkDto implements WorkflowLink {
  @ApiProperty({ example: 'default/training/bikes/0193...' }) workflowId!: string
  @ApiProperty({ type: String, nullable: true, description: 'page in Temporal Web, once it has started' })
  webUrl!: string | null
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'until when that page lives',
  })
  webUntil!: string | null
}

class OperationLinksDto {
  @ApiProperty() self!: string
  @ApiProperty() history!: string
  @ApiProperty() events!: string
  @ApiProperty({ type: String, nullable: true }) result!: string | null
}

export class OperationDto implements Operation {
  @ApiProperty({ format: 'uuid' }) id!: string
  @ApiProperty({ enum: KINDS }) kind!: Operation['kind']
  @ApiProperty({ description: 'of the dataset, model, deployment or pipeline' }) name!: string
  @ApiProperty({ enum: STATUSES, enumName: 'RunStatus' }) status!: Operation['status']
  @ApiProperty() stage!: string
  @ApiProperty({ type: 'integer', description: 'counts starts of this run, from 1' }) attempt!: number
  @ApiProperty({ type: RunProblemDto, nullable: true }) error!: RunProblemDto | null
  @ApiProperty({ type: [String] }) warnings!: string[]
  @ApiProperty({ type: RetryStateDto }) retry!: RetryStateDto
  @ApiProperty({ example: 'key:admin' }) principal!: string
  @ApiProperty({
    enum: ['api', 'schedule', 'incident', 'retraining', 'alias', 'pipeline', 'sensor', 'backfill'],
  })
  trigger!: Operation['trigger']
  @ApiProperty({ format: 'date-time' }) createdAt!: string
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) startedAt!: string | null
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) endedAt!: string | null
  @ApiProperty({ type: WorkflowLinkDto }) workflow!: WorkflowLinkDto
  @ApiProperty({ type: OperationLinksDto }) links!: OperationLinksDto
}

export class StepRecordDto implements StepRecord {
  @ApiProperty() step!: string
  @ApiProperty({ type: 'integer' }) generation!: number
  @ApiProperty({ type: 'integer' }) attempt!: number
  @ApiProperty({ format: 'date-time' }) finishedAt!: string
  @AnyProperty('what the step left') outcome!: unknown
}
