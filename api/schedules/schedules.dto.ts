import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import type {
  Backfill,
  BackfillSchedule,
  CreateSchedule,
  Schedule,
  ScheduledDeployment,
  ScheduledPipeline,
  ScheduleTick,
  ScheduleTiming,
  UpdateSchedule,
} from '../../contracts/rest/schedules.js'
import { HIGHEST_PRIORITY, LOWEST_PRIORITY } from '../../domain/pools/concurrency.js'
import {
  ChoiceField,
  FlagField,
  IntField,
  isInstant,
  MapField,
  NameField,
  ObjectField,
  TextField,
} from '../http/fields.js'
import { StartTrainingDto } from '../trainings/trainings.dto.js'

const OVERLAPS = ['skip', 'buffer_one', 'allow_all', 'cancel_other'] as const
const BACKFILL_OVERLAPS = ['buffer_all', 'allow_all'] as const
const DAY_SECONDS = 86_400

export class ScheduleTimingDto implements ScheduleTiming {
  @TextField({
    optional: true,
    max: 200,
    description: 'minute, hour, day of month, month, day of week; exactly one of cron and everySeconds',
    example: '0 3 * * mon',
  })
  cron?: string
  @IntField({ optional: true, min: 10, max: 366 * DAY_SECONDS }) everySeconds?: number
  @TextField({ optional: true, max: 100, default: 'UTC', description: 'IANA name', example: 'Europe/Berlin' })
  timeZone?: string
  @ChoiceField(OVERLAPS, { optional: true, default: 'skip', description: 'while the last run still goes' })
  overlap?: (typeof OVERLAPS)[number]
  @IntField({
    optional: true,
    min: 10,
    max: 30 * DAY_SECONDS,
    default: 3600,
    description: 'how late a tick may run',
  })
  catchUpSeconds?: number
  @IntField({ optional: true, min: 0, max: DAY_SECONDS, default: 0 }) jitterSeconds?: number
  @FlagField({ optional: true, default: false }) pauseOnFailure?: boolean
}

class ScheduledDeploymentDto implements ScheduledDeployment {
  @NameField({ example: 'bike' }) deployment!: string
}

class ScheduledPipelineDto implements ScheduledPipeline {
  @NameField({ example: 'retrain', description: 'its newest version at the tick is run' }) name!: string
  @MapField({ optional: true, description: 'by their names; those with a default may be left out' })
  parameters?: Record<string, unknown>
  @ChoiceField(['skip', 'run'] as const, {
    optional: true,
    default: 'skip',
    description: 'where definition, parameters and latest dataset versions are those of the last success',
  })
  onNoNewData?: 'skip' | 'run'
  @IntField({
    optional: true,
    min: HIGHEST_PRIORITY,
    max: LOWEST_PRIORITY,
    description: '1 comes first, 5 last; that of the pipeline where it is left out, else 3',
  })
  priority?: number
}

export class CreateScheduleDto implements CreateSchedule {
  @NameField({ example: 'bikes-weekly' }) name!: string
  @ObjectField(() => StartTrainingDto, {
    optional: true,
    description:
      'what each tick starts; dataset version `latest` is of the tick. Exactly one of training, retraining, driftCheck and pipeline',
  })
  training?: StartTrainingDto
  @ObjectField(() => ScheduledDeploymentDto, {
    optional: true,
    description: "a retraining by the deployment's policy, with the labelled data of the tick",
  })
  retraining?: ScheduledDeploymentDto
  @ObjectField(() => ScheduledDeploymentDto, {
    optional: true,
    description: 'checks of all windows that are due, missed ones too',
  })
  driftCheck?: ScheduledDeploymentDto
  @ObjectField(() => ScheduledPipelineDto, { optional: true, description: 'a run of a pipeline' })
  pipeline?: ScheduledPipelineDto
  @ObjectField(() => ScheduleTimingDto) timing!: ScheduleTimingDto
  @FlagField({ optional: true, default: false }) paused?: boolean
  @TextField({ optional: true, max: 1000 }) note?: string
}

export class UpdateScheduleDto implements UpdateSchedule {
  @ObjectField(() => StartTrainingDto, { optional: true }) training?: StartTrainingDto
  @ObjectField(() => ScheduledDeploymentDto, { optional: true }) retraining?: ScheduledDeploymentDto
  @ObjectField(() => ScheduledDeploymentDto, { optional: true }) driftCheck?: ScheduledDeploymentDto
  @ObjectField(() => ScheduledPipelineDto, { optional: true }) pipeline?: ScheduledPipelineDto
  @ObjectField(() => ScheduleTimingDto, { optional: true, description: 'replaces the timing' })
  timing?: ScheduleTimingDto
  @TextField({ optional: true, max: 1000 }) note?: string
}

export class ScheduleNoteDto {
  @TextField({ optional: true, max: 1000, description: 'why' }) note?: string
}

class ResolvedTimingDto {
  @ApiPropertyOptional() cron?: string
  @ApiPropertyOptional({ type: 'integer' }) everySeconds?: number
  @ApiProperty() timeZone!: string
  @ApiProperty({ enum: OVERLAPS }) overlap!: (typeof OVERLAPS)[number]
  @ApiProperty({ type: 'integer' }) catchUpSeconds!: number
  @ApiProperty({ type: 'integer' }) jitterSeconds!: number
  @ApiProperty() pauseOnFailure!: boolean
}

class RecentRunDto {
  @ApiProperty({ format: 'date-time' }) scheduledAt!: string
  @ApiProperty({ format: 'date-time' }) startedAt!: string
  @ApiProperty() workflowId!: string
}

export class ScheduleDto implements Schedule {
  @ApiProperty() name!: string
  @ApiPropertyOptional({ type: StartTrainingDto }) training?: StartTrainingDto
  @ApiPropertyOptional({ type: ScheduledDeploymentDto }) retraining?: ScheduledDeploymentDto
  @ApiPropertyOptional({ type: ScheduledDeploymentDto }) driftCheck?: ScheduledDeploymentDto
  @ApiPropertyOptional({ type: ScheduledPipelineDto }) pipeline?: ScheduledPipelineDto
  @ApiProperty({ type: ResolvedTimingDto }) timing!: ResolvedTimingDto
  @ApiProperty() paused!: boolean
  @ApiProperty({ type: String, nullable: true }) note!: string | null
  @ApiProperty({ type: [String], nullable: true, description: 'null when Temporal does not answer' })
  nextRuns!: string[] | null
  @ApiProperty({ type: [RecentRunDto], nullable: true }) recentRuns!: RecentRunDto[] | null
  @ApiProperty({ description: 'page in Temporal Web' }) webUrl!: string
  @ApiProperty({ format: 'date-time' }) createdAt!: string
  @ApiProperty({ format: 'date-time' }) updatedAt!: string
}

export class ScheduleTickDto implements ScheduleTick {
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) scheduledAt!: string | null
  @ApiProperty({ format: 'date-time', description: 'when it was taken on, or skipped' }) at!: string
  @ApiProperty({ enum: ['run', 'skipped'] }) outcome!: ScheduleTick['outcome']
  @ApiProperty({ type: String, enum: ['no_new_data'], nullable: true }) reason!: ScheduleTick['reason']
  @ApiProperty({
    type: String,
    format: 'uuid',
    nullable: true,
    description: 'its run, or the one that has worked on the same',
  })
  runId!: string | null
  @ApiProperty() workflowId!: string
}

export class BackfillScheduleDto implements BackfillSchedule {
  @ApiProperty({ format: 'date-time', description: 'ticks at this time and later' }) @isInstant from!: string
  @ApiProperty({ format: 'date-time', description: 'ticks at this time and earlier; not later than now' })
  @isInstant
  to!: string
  @ChoiceField(BACKFILL_OVERLAPS, {
    optional: true,
    default: 'buffer_all',
    description: 'one after the other, or all at once',
  })
  overlap?: (typeof BACKFILL_OVERLAPS)[number]
}

export class ScheduleBackfillDto implements Backfill {
  @ApiProperty() schedule!: string
  @ApiProperty({ enum: BACKFILL_OVERLAPS }) overlap!: (typeof BACKFILL_OVERLAPS)[number]
  @ApiProperty({ type: [String], description: 'times of the ticks, oldest first' }) ticks!: string[]
}
