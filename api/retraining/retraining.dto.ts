import { ApiProperty, OmitType } from '@nestjs/swagger'
import type { JsonValue } from '../../contracts/rest/pipelines.js'
import type {
  IncidentLimits,
  Retraining,
  RetrainingPipeline,
  SetRetraining,
} from '../../contracts/rest/retraining.js'
import { HOLDOUTS } from '../../domain/retraining/policy.js'
import {
  AnyProperty,
  ChoiceField,
  IntField,
  MapField,
  NameField,
  NumberField,
  ObjectField,
  TextField,
} from '../http/fields.js'
import { StrategyDto } from '../rollouts/rollouts.dto.js'
import { StartTrainingDto } from '../trainings/trainings.dto.js'

class RetrainingTemplateDto extends OmitType(StartTrainingDto, [
  'model',
  'dataset',
  'split',
  'control',
] as const) {}

class RetrainingPipelineDto implements RetrainingPipeline {
  @NameField({ example: 'retrain', description: 'its newest version is run' }) name!: string
  @MapField({
    optional: true,
    example: { dataset: '${{ retraining.dataset }}' },
    description: 'texts may hold `${{ retraining.<fact> }}`: dataset, deployment, model, dataUntil, holdout',
  })
  parameters?: { [name: string]: JsonValue }
  @TextField({
    optional: true,
    min: 1,
    max: 60,
    description: 'that trains or registers the version; the only one that does where it is left out',
  })
  step?: string
}

class IncidentLimitsDto implements IncidentLimits {
  @IntField({
    optional: true,
    min: 1,
    max: 1_000_000_000,
    default: 2800,
    description: 'since the first breached window, for an automatic retraining',
  })
  minLabelledRows?: number
  @IntField({
    optional: true,
    min: 1,
    max: 100,
    default: 2,
    description: 'windows in a row without breach, served wholly by the new version',
  })
  healthyToClose?: number
  @IntField({ optional: true, min: 0, max: 100, default: 2, description: 'automatic ones of one incident' })
  maxRetrainings?: number
  @NumberField({ optional: true, min: 0, default: 7, description: 'of event time' })
  retrainingsApartDays?: number
  @NumberField({ optional: true, min: 0, default: 24, description: "for somebody else's rollout to end" })
  rolloutDeadlineHours?: number
}

export class SetRetrainingDto implements SetRetraining {
  @NameField({ description: 'grows by what was predicted and labelled', example: 'bike' }) dataset!: string
  @TextField({
    min: 1,
    max: 1000,
    description:
      'date or timestamp column that gets the event time; columns that predictions do not have stay empty',
    example: 'dteday',
  })
  timeColumn!: string
  @ObjectField(() => RetrainingTemplateDto, {
    optional: true,
    description:
      'either this or `pipeline`: as of POST /v1/trainings, without what is of the moment: model, dataset, split',
  })
  training?: RetrainingTemplateDto
  @ObjectField(() => RetrainingPipelineDto, { optional: true, description: 'gives the version' })
  pipeline?: RetrainingPipelineDto
  @ChoiceField(HOLDOUTS, {
    optional: true,
    default: 'month',
    description: 'the last whole one of the new data is held out',
  })
  holdout?: 'month' | 'week' | 'day'
  @ObjectField(() => StrategyDto, { optional: true, description: 'a canary with defaults where missing' })
  strategy?: StrategyDto
  @ObjectField(() => IncidentLimitsDto, { optional: true }) incident?: IncidentLimitsDto
}

class LimitsInForceDto {
  @ApiProperty({ type: 'integer' }) minLabelledRows!: number
  @ApiProperty({ type: 'integer' }) healthyToClose!: number
  @ApiProperty({ type: 'integer' }) maxRetrainings!: number
  @ApiProperty() retrainingsApartDays!: number
  @ApiProperty() rolloutDeadlineHours!: number
}

export class RetrainingDto implements Retraining {
  @ApiProperty() dataset!: string
  @ApiProperty() timeColumn!: string
  @ApiProperty({ type: RetrainingTemplateDto, required: false, description: 'either this or `pipeline`' })
  training?: RetrainingTemplateDto
  @ApiProperty({ type: RetrainingPipelineDto, required: false }) pipeline?: RetrainingPipelineDto
  @ApiProperty({ enum: HOLDOUTS }) holdout!: 'month' | 'week' | 'day'
  @AnyProperty('as a rollout keeps it') strategy!: unknown
  @ApiProperty({ type: LimitsInForceDto }) incident!: LimitsInForceDto
}
