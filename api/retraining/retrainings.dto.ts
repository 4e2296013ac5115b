import { ApiProperty } from '@nestjs/swagger'
import { IsOptional } from 'class-validator'
import type { RetrainingRun, StartRetraining } from '../../contracts/rest/retrainings.js'
import { isInstant, TextField } from '../http/fields.js'
import { OperationDto } from '../runs/operation.dto.js'

export class StartRetrainingDto implements StartRetraining {
  @TextField({ min: 1, max: 1000 }) reason!: string
  @ApiProperty({
    required: false,
    format: 'date-time',
    description:
      'event time until which labelled predictions are learned from; the end of them where missing',
  })
  @IsOptional()
  @isInstant
  dataUntil?: string
}

class LearnedFromDto {
  @ApiProperty() name!: string
  @ApiProperty({ type: 'integer' }) version!: number
}

export class RetrainingRunDto extends OperationDto implements RetrainingRun {
  @ApiProperty() reason!: string
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'event time; null until it is known',
  })
  dataUntil!: string | null
  @ApiProperty({ type: String, nullable: true, description: 'how it ended' }) message!: string | null
  @ApiProperty({
    enum: ['no_new_data', 'incident_open'],
    nullable: true,
    description: 'why there was nothing to do; an open incident retrains by itself',
  })
  skipped!: RetrainingRun['skipped']
  @ApiProperty({ type: LearnedFromDto, nullable: true }) dataset!: LearnedFromDto | null
  @ApiProperty({ type: String, format: 'uuid', nullable: true }) training!: string | null
  @ApiProperty({ type: String, format: 'uuid', nullable: true, description: "of the policy's pipeline" })
  pipelineRun!: string | null
  @ApiProperty({ type: 'integer', nullable: true, description: 'that has been registered' })
  version!: number | null
  @ApiProperty({ type: String, format: 'uuid', nullable: true }) rollout!: string | null
}
