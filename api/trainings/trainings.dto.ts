import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { IsIn, IsObject, IsOptional, Matches } from 'class-validator'
import type {
  CheckpointRecord,
  Gate,
  Metrics,
  Period,
  StartTraining,
  Training,
  TrainingLive,
  TrainingSummary,
} from '../../contracts/rest/trainings.js'
import { parseSelector, SELECTOR_RULE } from '../../domain/data/selector.js'
import type { Problem } from '../../domain/errors.js'
import { NAME_PATTERN } from '../../domain/names.js'
import { CodeStateDto } from '../datasets/datasets.dto.js'
import {
  AnyProperty,
  ChoiceField,
  IntField,
  NameField,
  NumberField,
  ObjectField,
  satisfies,
  TextField,
  TextsField,
} from '../http/fields.js'
import { PageQueryDto } from '../http/paging.js'
import { ArtifactDto, OperationDto, STATUSES, StepRecordDto } from '../runs/operation.dto.js'

const isDay = satisfies(value => {
  const day =
    typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value) ? new Date(`${value}T00:00:00Z`) : null
  // A day that the calendar lacks, such as 2011-02-30, comes back as another one.
  const good = day !== null && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value as string)
  return good ? [] : [{ at: '', message: 'Must be a day of the calendar, YYYY-MM-DD.' }]
})

class PeriodDto implements Period {
  @ApiPropertyOptional({ format: 'date', description: 'included', example: '2011-01-01' })
  @IsOptional()
  @isDay
  from?: string
  @ApiProperty({ format: 'date', description: 'not included', example: '2011-09-01' })
  @isDay
  until!: string
}

class HoldoutDto {
  @ApiProperty({ format: 'date', description: 'included', example: '2011-09-01' })
  @isDay
  from!: string
  @ApiProperty({ format: 'date', description: 'not included', example: '2011-11-01' })
  @isDay
  until!: string
}

class SplitDto {
  @TextField({ min: 1, description: 'a date or timestamp' }) column!: string
  @ObjectField(() => PeriodDto) train!: PeriodDto
  @ObjectField(() => HoldoutDto) holdout!: HoldoutDto
}

class DatasetPinDto {
  @NameField({ example: 'bike' }) name!: string
  @ApiPropertyOptional({
    oneOf: [
      { type: 'integer', minimum: 1 },
      { type: 'string', maxLength: 200 },
    ],
    default: 'latest',
    description: `${SELECTOR_RULE}; resolved now and pinned`,
  })
  @IsOptional()
  @satisfies(versionProblems)
  version?: number | string
}

class BaselineDto {
  @TextsField({ max: 10, description: 'columns whose groups have a mean each' }) by!: string[]
}

class TransformationRefDto {
  @NameField({ example: 'bike-prep' }) name!: string
  @IntField({ min: 1, max: 2 ** 31 - 1 }) version!: number
}

class ClipDto {
  @NumberField({ optional: true }) min?: number
  @NumberField({ optional: true }) max?: number
}

class GatePolicyDto {
  @NumberField({ optional: true, min: 0, default: 1 }) maxRmseOfBaseline?: number
  @NumberField({ optional: true, min: 0, default: 1 }) maxRmseOfChampion?: number
}

class PermuteTargetDto {
  @IntField({ min: 0, max: 2 ** 31 - 1 }) seed!: number
}

class ControlDto {
  @ObjectField(() => PermuteTargetDto) permuteTarget!: PermuteTargetDto
}

export class StartTrainingDto implements StartTraining {
  @NameField({ description: 'model that a version is added to', example: 'bike-demand' }) model!: string
  @ObjectField(() => DatasetPinDto) dataset!: DatasetPinDto
  @ChoiceField(['xgboost'], { optional: true, default: 'xgboost' }) engine?: 'xgboost'
  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }] },
    description: "by XGBoost's own names",
    example: { objective: 'reg:squarederror', max_depth: 6, eta: 0.02 },
  })
  @IsOptional()
  @IsObject()
  @satisfies(parameterProblems)
  parameters?: Record<string, string | number | boolean>
  @IntField({ optional: true, min: 1, max: 100_000, default: 500 }) rounds?: number
  @IntField({
    optional: true,
    min: 1,
    max: 100_000,
    default: 250,
    description: 'rounds between durable checkpoints',
  })
  checkpointEvery?: number
  @ChoiceField(['exact', 'any'], {
    optional: true,
    default: 'exact',
    description: 'exact: a resumed training gives the bytes of an uninterrupted one, or is refused now',
  })
  resume?: 'exact' | 'any'
  @TextsField({ min: 1, max: 5000 }) features!: string[]
  @TextField({ min: 1 }) target!: string
  @ObjectField(() => SplitDto) split!: SplitDto
  @ObjectField(() => BaselineDto, { optional: true }) baseline?: BaselineDto
  @ObjectField(() => TransformationRefDto, {
    optional: true,
    description:
      'what has made the dataset: the version is served with rows as they were before, and makes its features of them; without steps of filter and sql',
  })
  transformation?: TransformationRefDto
  @ObjectField(() => ClipDto, { optional: true }) clip?: ClipDto
  @ObjectField(() => GatePolicyDto, { optional: true }) gate?: GatePolicyDto
  @ObjectField(() => ControlDto, { optional: true, description: 'negative control: the gate must refuse it' })
  control?: ControlDto
  @ObjectField(() => CodeStateDto, {
    optional: true,
    description: 'where the code stood that asks for it; kept in the lineage of the model',
  })
  code?: CodeStateDto
}

export class TrainingsQueryDto extends PageQueryDto {
  @ApiPropertyOptional()
  @IsOptional()
  @Matches(NAME_PATTERN, { message: 'model is a name' })
  model?: string
  @ApiPropertyOptional({ enum: STATUSES })
  @IsOptional()
  @IsIn(STATUSES)
  status?: Training['status']
}

export class MetricsDto implements Metrics {
  @ApiProperty() rmse!: number
  @ApiProperty() mae!: number
  @ApiProperty({ type: Number, nullable: true, description: 'sum |y - p| / sum y' }) wape!: number | null
  @ApiProperty({ type: Number, nullable: true, description: 'sum (y - p) / sum y' }) relativeBias!:
    number | null
  @ApiProperty({ type: Number, nullable: true }) r2!: number | null
}

export class MetricsSetDto {
  @ApiProperty({ type: MetricsDto }) model!: MetricsDto
  @ApiProperty({ type: MetricsDto }) baseline!: MetricsDto
  @ApiPropertyOptional({ type: MetricsDto }) champion?: MetricsDto
}

class GateCheckDto {
  @ApiProperty() name!: string
  @ApiProperty() observed!: number
  @ApiProperty() limit!: number
  @ApiProperty() passed!: boolean
  @ApiProperty() message!: string
}

export class GateDto implements Gate {
  @ApiProperty() passed!: boolean
  @ApiProperty({ type: [GateCheckDto] }) checks!: GateCheckDto[]
}

class CheckpointDto implements CheckpointRecord {
  @ApiProperty({ type: 'integer' }) round!: number
  @ApiProperty() sha256!: string
  @ApiProperty({ type: 'integer' }) bytes!: number
  @ApiProperty({ format: 'date-time' }) createdAt!: string
}

class TrainingLiveDto implements TrainingLive {
  @ApiProperty() stage!: string
  @ApiPropertyOptional({ type: 'integer' }) round?: number
  @ApiPropertyOptional({ type: 'integer' }) rounds?: number
  @ApiPropertyOptional({ type: 'integer', description: 'of the step under way' }) activityAttempt?: number
  @ApiPropertyOptional() worker?: string
}

export class TrainingSummaryDto extends OperationDto implements TrainingSummary {
  @ApiProperty() model!: string
  @ApiProperty({ type: 'integer', nullable: true, description: 'that it was registered as' })
  version!: number | null
}

export class TrainingDto extends TrainingSummaryDto implements Training {
  @AnyProperty('complete: defaults filled in, dataset version resolved') spec!: unknown
  @ApiProperty({ type: MetricsSetDto, nullable: true }) metrics!: MetricsSetDto | null
  @ApiProperty({ type: GateDto, nullable: true }) gate!: GateDto | null
  @ApiProperty({ type: [CheckpointDto], description: 'newest first' }) checkpoints!: CheckpointDto[]
  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'checkpoint that the finished training came from',
  })
  resumedFromRound!: number | null
  @ApiProperty({ type: [StepRecordDto] }) steps!: StepRecordDto[]
  @ApiProperty({
    type: TrainingLiveDto,
    nullable: true,
    description: 'null when nobody answers within a second',
  })
  live!: TrainingLiveDto | null
  @ApiProperty({ type: [ArtifactDto] }) artifacts!: ArtifactDto[]
}

function versionProblems(value: unknown): Problem[] {
  const isText = typeof value === 'string' && value.length <= 200
  const good = (isText || Number.isInteger(value)) && parseSelector(String(value)) !== null
  return good ? [] : [{ at: '', message: `It selects no version: give ${SELECTOR_RULE}.` }]
}

function parameterProblems(value: unknown): Problem[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value)
    .filter(([, each]) => !['string', 'number', 'boolean'].includes(typeof each))
    .map(([name]) => ({ at: `.${name}`, message: 'Must be a text, a number or a boolean.' }))
}
