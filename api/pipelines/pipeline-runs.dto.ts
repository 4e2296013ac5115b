import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { IsIn, IsOptional, Matches } from 'class-validator'
import type { Operation } from '../../contracts/rest/operations.js'
import type {
  AnswerStep,
  PausePipelineRun,
  PipelineLive,
  PipelineRun,
  PipelineRunStep,
  PipelineRunSummary,
  PipelineVerbAccepted,
  QueuedForPool,
  ReleaseStep,
  ResetPipelineRun,
  StartPipelineRun,
  StepAnswered,
  StepCompensation,
} from '../../contracts/rest/pipeline-runs.js'
import { NAME_PATTERN } from '../../domain/names.js'
import { MAX_STEPS } from '../../domain/pipelines/definition.js'
import { STEP_STATES } from '../../domain/pipelines/progress.js'
import { HIGHEST_PRIORITY, LOWEST_PRIORITY } from '../../domain/pools/concurrency.js'
import { CodeStateDto } from '../datasets/datasets.dto.js'
import {
  AnyField,
  AnyProperty,
  IntField,
  MapField,
  ObjectField,
  TextField,
  TextsField,
} from '../http/fields.js'
import { PageQueryDto } from '../http/paging.js'
import { OperationDto, RunProblemDto, STATUSES } from '../runs/operation.dto.js'

export class StartPipelineRunDto implements StartPipelineRun {
  @MapField({ optional: true, description: 'by their names; those with a default may be left out' })
  parameters?: Record<string, unknown>
  @IntField({ optional: true, min: 1, max: 1_000_000_000, description: 'the newest where it is left out' })
  version?: number
  @IntField({
    optional: true,
    min: HIGHEST_PRIORITY,
    max: LOWEST_PRIORITY,
    description: '1 comes first, 5 last; that of the pipeline where it is left out, else 3',
  })
  priority?: number
  @ObjectField(() => CodeStateDto, {
    optional: true,
    description: 'where the code stood that asks for it; its trainings record it',
  })
  code?: CodeStateDto
}

export class PausePipelineRunDto implements PausePipelineRun {
  @TextField({ optional: true, min: 1, max: 1000 }) reason?: string
}

export class ResetPipelineRunDto implements ResetPipelineRun {
  @TextsField({ min: 1, max: MAX_STEPS, description: 'steps to do again, with all that follow from them' })
  steps!: string[]
}

export class PipelineRunsQueryDto extends PageQueryDto {
  @ApiPropertyOptional()
  @IsOptional()
  @Matches(NAME_PATTERN, { message: 'pipeline is not a name that one can have' })
  pipeline?: string
  @ApiPropertyOptional({ enum: STATUSES })
  @IsOptional()
  @IsIn(STATUSES)
  status?: Operation['status']
}

export class PipelineRunSummaryDto extends OperationDto implements PipelineRunSummary {
  @ApiProperty() pipeline!: string
  @ApiProperty({ type: 'integer', description: 'of the pipeline; the run is pinned to it' }) version!: number
}

class TakenOverDto {
  @ApiProperty({ format: 'uuid' }) runId!: string
  @ApiProperty() step!: string
}

class StepLinksDto {
  @ApiProperty() log!: string
  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'string' },
    description: 'by the names of the outputs, once it has succeeded',
  })
  outputs!: Record<string, string>
  @ApiProperty({ type: String, nullable: true }) child!: string | null
}

class CompensationLinksDto {
  @ApiProperty() log!: string
}

class StepCompensationDto implements StepCompensation {
  @ApiProperty() uses!: string
  @ApiProperty({ enum: ['running', 'succeeded', 'refused', 'failed', 'cancelled'] })
  state!: StepCompensation['state']
  @ApiProperty({ type: 'integer', description: 'which time the step was asked for it has undone' })
  generation!: number
  @ApiProperty({ format: 'date-time' }) startedAt!: string
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) endedAt!: string | null
  @AnyProperty('references resolved') inputs!: unknown
  @ApiProperty({ type: String, nullable: true }) note!: string | null
  @ApiProperty({ type: RunProblemDto, nullable: true }) error!: RunProblemDto | null
  @ApiProperty({ type: String, format: 'uuid', nullable: true, description: 'the run that does it' })
  child!: string | null
  @ApiProperty({ type: CompensationLinksDto }) links!: CompensationLinksDto
}

class QueuedForPoolDto implements QueuedForPool {
  @ApiProperty() pool!: string
  @ApiProperty({ type: 'integer' }) slots!: number
  @ApiProperty({ type: 'integer', description: 'from 1, by priority and then by age' }) position!: number
}

class QueuedRunDto {
  @ApiProperty({ type: 'integer', description: 'from 1, by priority and then by age' }) position!: number
}

class PipelineRunStepDto implements PipelineRunStep {
  @ApiProperty() name!: string
  @ApiProperty() uses!: string
  @ApiProperty({ type: [String] }) needs!: string[]
  @ApiProperty({ enum: STEP_STATES }) state!: PipelineRunStep['state']
  @ApiProperty({ type: 'integer', description: 'a reset raises it, and so does what undoes it' })
  generation!: number
  @ApiProperty({ type: 'integer', nullable: true, description: 'of the run, that has begun it last' })
  attempt!: number | null
  @ApiProperty({ type: 'integer', description: 'tries of that attempt that failed' }) tries!: number
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) startedAt!: string | null
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) endedAt!: string | null
  @ApiProperty({ type: QueuedForPoolDto, nullable: true, description: 'slots that it waits for' })
  queued!: QueuedForPoolDto | null
  @AnyProperty('references resolved; null before it begins') inputs!: unknown
  @AnyProperty('null before it has succeeded; tables, files and large ones are references') outputs!: unknown
  @ApiProperty({ type: String, nullable: true }) note!: string | null
  @ApiProperty({ type: TakenOverDto, nullable: true, description: 'where its outcome was taken over from' })
  cachedFrom!: TakenOverDto | null
  @ApiProperty({ type: RunProblemDto, nullable: true }) error!: RunProblemDto | null
  @ApiProperty({ type: String, format: 'uuid', nullable: true, description: 'the run that does it' })
  child!: string | null
  @ApiProperty({ type: StepCompensationDto, nullable: true, description: 'how it was undone, the last time' })
  compensation!: StepCompensationDto | null
  @ApiProperty({ type: StepLinksDto }) links!: StepLinksDto
}

class PinDto {
  @ApiProperty() step!: string
  @ApiProperty() dataset!: string
  @ApiProperty({ type: 'integer' }) version!: number
  @ApiProperty({ description: 'hash of its content' }) root!: string
}

class SuitePinDto {
  @ApiProperty() step!: string
  @ApiProperty() dataset!: string
  @ApiProperty({ type: 'integer' }) version!: number
  @ApiProperty({ description: 'of the suite as canonical JSON' }) sha256!: string
}

class PausedDto {
  @ApiProperty({ example: 'key:admin' }) by!: string
  @ApiProperty({ type: String, nullable: true }) reason!: string | null
}

class OpenStepDto {
  @ApiProperty() step!: string
  @ApiProperty({ example: 'approval by admin' }) what!: string
  @ApiProperty({ type: [String], nullable: true, description: 'who may answer' }) roles!: string[] | null
  @ApiProperty({ format: 'date-time' }) expiresAt!: string
}

class PipelineLiveDto implements PipelineLive {
  @ApiProperty() stage!: string
  @ApiProperty({ type: PausedDto, nullable: true }) paused!: PausedDto | null
  @ApiProperty({ type: [OpenStepDto], description: 'steps that wait for an answer or a time' })
  open!: OpenStepDto[]
}

export class PipelineRunDto extends PipelineRunSummaryDto implements PipelineRun {
  @ApiProperty({ description: 'of the definition it is pinned to' }) sha256!: string
  @ApiProperty({ type: 'object', additionalProperties: true }) parameters!: Record<string, unknown>
  @ApiProperty({ type: [PinDto], description: 'latest versions of datasets when the run was taken on' })
  pins!: PinDto[]
  @ApiProperty({ type: [SuitePinDto], description: 'suites of datasets that were current then' })
  suites!: SuitePinDto[]
  @ApiProperty({ type: 'integer', nullable: true, description: '1 comes first, 5 last; null for 3' })
  priority!: number | null
  @ApiProperty({ type: CodeStateDto, nullable: true, description: 'where the code stood that asked for it' })
  code!: CodeStateDto | null
  @ApiProperty({
    type: QueuedRunDto,
    nullable: true,
    description: 'its place, where as many runs are open as `concurrency` of the pipeline allows',
  })
  queued!: QueuedRunDto | null
  @ApiProperty({ type: [PipelineRunStepDto] }) steps!: PipelineRunStepDto[]
  @ApiProperty({
    type: PipelineLiveDto,
    nullable: true,
    description: 'null when the workflow does not answer',
  })
  live!: PipelineLiveDto | null
}

export class PipelineVerbAcceptedDto implements PipelineVerbAccepted {
  @ApiProperty({ format: 'uuid' }) runId!: string
  @ApiProperty() paused!: boolean
}

export class AnswerStepDto implements AnswerStep {
  @TextField({ optional: true, min: 1, max: 1000 }) reason?: string
}

export class ReleaseStepDto implements ReleaseStep {
  @AnyField({ optional: true, description: 'what the step gives on' }) payload?: unknown
}

export class StepAnsweredDto implements StepAnswered {
  @ApiProperty({ format: 'uuid' }) runId!: string
  @ApiProperty() step!: string
  @ApiProperty({ enum: ['approve', 'reject', 'release'] }) answer!: StepAnswered['answer']
  @ApiProperty({ example: 'key:admin' }) by!: string
}
