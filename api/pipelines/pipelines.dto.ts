import { ApiProperty } from '@nestjs/swagger'
import type {
  AppliedPipeline,
  ApplyPipelines,
  PipelineDiff,
  PipelinesApplied,
  PipelineSummary,
  PipelineVersionView,
  StepTypeView,
} from '../../contracts/rest/pipeline-runs.js'
import { AnyProperty, FlagField, MapField, TextField } from '../http/fields.js'

/** Characters. */
export const MAX_SOURCE = 524_288

export class ApplyPipelinesDto implements ApplyPipelines {
  @TextField({
    optional: true,
    min: 1,
    max: MAX_SOURCE,
    description: 'YAML or JSON: an `mlforge.yaml` with `pipelines`, or one pipeline with its `name`',
  })
  source?: string
  @TextField({
    optional: true,
    min: 1,
    max: 255,
    default: 'mlforge.yaml',
    description: 'how problems call the source',
  })
  file?: string
  @MapField({ optional: true, description: 'definitions by their names, instead of a source' })
  pipelines?: Record<string, unknown>
  @FlagField({ optional: true, default: false, description: 'says what would change, and changes nothing' })
  dryRun?: boolean
}

class StepChangeDto {
  @ApiProperty() step!: string
  @ApiProperty({ type: [String] }) fields!: string[]
}

class PipelineDiffDto implements PipelineDiff {
  @ApiProperty({ type: [String], description: 'steps' }) added!: string[]
  @ApiProperty({ type: [String], description: 'steps' }) removed!: string[]
  @ApiProperty({ type: [StepChangeDto] }) changed!: StepChangeDto[]
  @ApiProperty({ type: [String] }) parameters!: string[]
  @ApiProperty({ type: [String] }) settings!: string[]
}

class AppliedPipelineDto implements AppliedPipeline {
  @ApiProperty() name!: string
  @ApiProperty({ type: 'integer' }) version!: number
  @ApiProperty({ description: 'of the definition as canonical JSON' }) sha256!: string
  @ApiProperty({ description: 'false where this is the newest definition already' }) created!: boolean
  @ApiProperty({ type: PipelineDiffDto }) diff!: PipelineDiffDto
  @ApiProperty({ type: [String], description: 'what its runs would stumble over as things are now' })
  warnings!: string[]
}

export class PipelinesAppliedDto implements PipelinesApplied {
  @ApiProperty() dryRun!: boolean
  @ApiProperty({ type: [AppliedPipelineDto] }) pipelines!: AppliedPipelineDto[]
}

export class PipelineSummaryDto implements PipelineSummary {
  @ApiProperty() name!: string
  @ApiProperty({ type: 'integer', description: 'the newest' }) version!: number
  @ApiProperty({ format: 'date-time' }) createdAt!: string
}

export class PipelineVersionDto implements PipelineVersionView {
  @ApiProperty() name!: string
  @ApiProperty({ type: 'integer' }) version!: number
  @ApiProperty() sha256!: string
  @ApiProperty({ example: 'key:admin' }) principal!: string
  @ApiProperty({ format: 'date-time' }) createdAt!: string
  @AnyProperty('complete, as runs are pinned to it') definition!: unknown
}

class StepInputDto {
  @ApiProperty() name!: string
  @ApiProperty() type!: string
  @ApiProperty() needed!: boolean
  @AnyProperty('what it is where it is left out') default!: unknown
  @ApiProperty({ type: [String], nullable: true }) choices!: string[] | null
  @ApiProperty() description!: string
}

class StepOutputDto {
  @ApiProperty() name!: string
  @ApiProperty() type!: string
  @ApiProperty() description!: string
}

export class StepTypeDto implements StepTypeView {
  @ApiProperty() name!: string
  @ApiProperty() description!: string
  @ApiProperty({ type: 'integer' }) version!: number
  @ApiProperty({ type: [StepInputDto] }) inputs!: StepInputDto[]
  @ApiProperty({ type: [StepOutputDto] }) outputs!: StepOutputDto[]
  @ApiProperty({ description: 'of one try' }) timeoutSeconds!: number
  @ApiProperty({ type: 'integer' }) maxAttempts!: number
  @ApiProperty({
    enum: ['default', 'on_request', 'never'],
    description: 'whether outcomes of equal inputs are taken over from earlier runs',
  })
  cache!: StepTypeView['cache']
}
