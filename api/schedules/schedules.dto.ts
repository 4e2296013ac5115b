import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import type {
  CreateSchedule,
  Schedule,
  ScheduleTiming,
  UpdateSchedule,
} from '../../contracts/rest/schedules.js'
import { ChoiceField, FlagField, IntField, NameField, ObjectField, TextField } from '../http/fields.js'
import { StartTrainingDto } from '../trainings/trainings.dto.js'

const OVERLAPS = ['skip', 'buffer_one', 'allow_all', 'cancel_other'] as const
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

export class CreateScheduleDto implements CreateSchedule {
  @NameField({ example: 'bikes-weekly' }) name!: string
  @ObjectField(() => StartTrainingDto, {
    description: 'what each tick starts; dataset version `latest` is of the tick',
  })
  training!: StartTrainingDto
  @ObjectField(() => ScheduleTimingDto) timing!: ScheduleTimingDto
  @FlagField({ optional: true, default: false }) paused?: boolean
  @TextField({ optional: true, max: 1000 }) note?: string
}

export class UpdateScheduleDto implements UpdateSchedule {
  @ObjectField(() => StartTrainingDto, { optional: true }) training?: StartTrainingDto
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
  @ApiProperty({ type: StartTrainingDto }) training!: StartTrainingDto
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
