import { ApiProperty } from '@nestjs/swagger'
import type {
  CreateSensor,
  ResetSensor,
  Sensor,
  SensorEvent,
  SensorMetric,
  SensorPipeline,
  SensorSource,
  SensorState,
  SensorTick,
  UpdateSensor,
} from '../../contracts/rest/sensors.js'
import { FIGURES } from '../../domain/sensors/requested-source.js'
import { DRIFT_SIGNALS, TICK_OUTCOMES, WATCHED_ENDS } from '../../domain/sensors/sensor.js'
import {
  AnyProperty,
  ChoiceField,
  FlagField,
  IntField,
  MapField,
  NameField,
  NumberField,
  ObjectField,
  satisfies,
  TextField,
} from '../http/fields.js'

const STATES = ['paused', 'failing', 'full', 'watching', 'waiting_for_worker'] as const
const DAY_SECONDS = 86_400

class ObjectsSourceDto {
  @TextField({
    min: 1,
    max: 500,
    example: 'incoming/',
    description: "below the project's part of the object store; not `sha256/`, where MLForge writes itself",
  })
  prefix!: string
}

class DirectorySourceDto {
  @TextField({ min: 1, max: 500, example: 'incoming', description: 'below the directory of mlforge.yaml' })
  path!: string
  @TextField({
    optional: true,
    min: 1,
    max: 200,
    default: '*',
    example: '**/*.csv',
    description: '`*` and `?` within a name, `**` for directories below',
  })
  pattern?: string
}

class DatasetSourceDto {
  @NameField({ example: 'bikes' }) name!: string
  @NameField({
    optional: true,
    example: 'main',
    description: 'versions of this one only; without, of all but those in quarantine',
  })
  branch?: string
}

class DriftSourceDto {
  @NameField({ example: 'bike' }) deployment!: string
  @ChoiceField(DRIFT_SIGNALS, { optional: true, default: 'incident' }) on?: 'incident' | 'window'
}

class MetricSourceDto implements SensorMetric {
  @NameField({ example: 'bike' }) model!: string
  @NameField({ optional: true, example: 'champion', description: 'only versions that it comes to name' })
  alias?: string
  @ChoiceField(FIGURES, { description: 'of the evaluation of the version' })
  metric!: SensorMetric['metric']
  @NumberField({ optional: true, description: 'exactly one of above, atLeast, below and atMost' })
  above?: number
  @NumberField({ optional: true }) atLeast?: number
  @NumberField({ optional: true }) below?: number
  @NumberField({ optional: true }) atMost?: number
}

class PipelineSourceDto {
  @NameField({ example: 'ingest' }) name!: string
  @ChoiceField(WATCHED_ENDS, {
    optional: true,
    default: 'succeeded',
    description: '`failed`: any end but success',
  })
  status?: 'succeeded' | 'failed' | 'any'
}

class SensorSourceDto implements SensorSource {
  @ObjectField(() => ObjectsSourceDto, { optional: true }) objects?: ObjectsSourceDto
  @ObjectField(() => DirectorySourceDto, { optional: true }) directory?: DirectorySourceDto
  @ObjectField(() => DatasetSourceDto, { optional: true }) dataset?: DatasetSourceDto
  @ObjectField(() => DriftSourceDto, { optional: true }) drift?: DriftSourceDto
  @ObjectField(() => MetricSourceDto, { optional: true }) metric?: MetricSourceDto
  @MapField({ optional: true, description: 'an empty object: what is sent says all' })
  @satisfies(value =>
    Object.keys(value ?? {}).map(name => ({
      at: `.${name}`,
      message: `A webhook has no "${name}": write {}.`,
    })),
  )
  webhook?: Record<string, never>
  @ObjectField(() => PipelineSourceDto, { optional: true }) pipeline?: PipelineSourceDto
}

class SensorPipelineDto implements SensorPipeline {
  @NameField({ example: 'ingest', description: 'its newest version at the tick is run' }) name!: string
  @MapField({
    optional: true,
    example: { path: '${{ tick.path }}' },
    description: 'texts may hold `${{ tick.<field> }}`',
  })
  parameters?: Record<string, unknown>
}

const SOURCE = 'exactly one of objects, directory, dataset, drift, metric, webhook and pipeline'
const INTERVAL = { min: 1, max: DAY_SECONDS } as const
const OPEN_RUNS = { min: 1, max: 100 } as const

export class CreateSensorDto implements CreateSensor {
  @NameField({ example: 'new-files' }) name!: string
  @ObjectField(() => SensorSourceDto, { description: SOURCE }) source!: SensorSourceDto
  @ObjectField(() => SensorPipelineDto, { description: 'what each tick runs' }) pipeline!: SensorPipelineDto
  @IntField({ optional: true, ...INTERVAL, default: 60, description: 'between two looks' })
  intervalSeconds?: number
  @IntField({ optional: true, ...OPEN_RUNS, default: 1, description: 'ticks wait in order for room' })
  maxOpenRuns?: number
  @FlagField({ optional: true, default: false }) paused?: boolean
  @TextField({ optional: true, max: 1000 }) note?: string
}

export class UpdateSensorDto implements UpdateSensor {
  @ObjectField(() => SensorSourceDto, {
    optional: true,
    description: 'another one is begun anew: what it has by now is no tick',
  })
  source?: SensorSourceDto
  @ObjectField(() => SensorPipelineDto, { optional: true }) pipeline?: SensorPipelineDto
  @IntField({ optional: true, ...INTERVAL }) intervalSeconds?: number
  @IntField({ optional: true, ...OPEN_RUNS }) maxOpenRuns?: number
  @TextField({ optional: true, max: 1000 }) note?: string
}

export class SensorNoteDto {
  @TextField({ optional: true, max: 1000, description: 'why' }) note?: string
}

export class ResetSensorDto implements ResetSensor {
  @ChoiceField(['latest', 'beginning'], {
    description: '`latest`: what is there by now is no tick. `beginning`: all of it is one, again.',
  })
  from!: 'latest' | 'beginning'
  @TextField({ min: 1, max: 1000, description: 'kept as its note' }) reason!: string
}

class SensorErrorDto {
  @ApiProperty() code!: string
  @ApiProperty() message!: string
}

class TickCountsDto {
  @ApiProperty({ type: 'integer' }) started!: number
  @ApiProperty({ type: 'integer' }) skipped!: number
  @ApiProperty({ type: 'integer' }) refused!: number
}

class SensorPipelineViewDto implements Required<SensorPipeline> {
  @ApiProperty() name!: string
  @ApiProperty({ type: 'object', additionalProperties: true }) parameters!: Record<string, unknown>
}

export class SensorDto implements Sensor {
  @ApiProperty() name!: string
  @ApiProperty({ type: SensorSourceDto }) source!: SensorSourceDto
  @ApiProperty({ type: SensorPipelineViewDto }) pipeline!: SensorPipelineViewDto
  @ApiProperty({ type: 'integer' }) intervalSeconds!: number
  @ApiProperty({ type: 'integer' }) maxOpenRuns!: number
  @ApiProperty() paused!: boolean
  @ApiProperty({ type: String, nullable: true }) note!: string | null
  @ApiProperty({
    enum: STATES,
    description: '`full`: its runs must end first. `waiting_for_worker`: it has not looked yet.',
  })
  state!: SensorState
  @ApiProperty({ type: 'integer', description: 'counts its definitions' }) revision!: number
  @ApiProperty({
    type: 'integer',
    description: 'counts how often it was begun anew, by a reset or with another source',
  })
  incarnation!: number
  @ApiProperty({ format: 'date-time', description: 'what the source had before is no tick' }) since!: string
  @AnyProperty('how far the source was read, in its own terms') cursor!: unknown
  @ApiProperty({ type: SensorErrorDto, nullable: true, description: 'why the source cannot be seen' })
  lastError!: SensorErrorDto | null
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) failingSince!: string | null
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) lookedAt!: string | null
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) nextLookAt!: string | null
  @ApiProperty({ type: 'integer' }) openRuns!: number
  @ApiProperty({ type: TickCountsDto }) ticks!: TickCountsDto
  @ApiProperty({ description: 'page in Temporal Web' }) webUrl!: string
  @ApiProperty({ format: 'date-time' }) createdAt!: string
  @ApiProperty({ format: 'date-time' }) updatedAt!: string
}

class TickProblemDto {
  @ApiProperty() at!: string
  @ApiProperty() message!: string
}

export class SensorTickDto implements SensorTick {
  @ApiProperty() key!: string
  @ApiProperty({ type: 'integer' }) incarnation!: number
  @AnyProperty('what was seen, or sent') payload!: unknown
  @ApiProperty({ enum: TICK_OUTCOMES }) outcome!: SensorTick['outcome']
  @ApiProperty({ type: String, format: 'uuid', nullable: true }) runId!: string | null
  @ApiProperty({ type: String, nullable: true, description: 'why there is no run' }) reason!: string | null
  @ApiProperty({ type: [TickProblemDto] }) problems!: TickProblemDto[]
  @ApiProperty({ format: 'date-time' }) at!: string
}

export class SensorEventDto implements SensorEvent {
  @ApiProperty() sensor!: string
  @ApiProperty({ description: 'the Idempotency-Key, and the key of its tick' }) key!: string
  @ApiProperty({ type: 'integer' }) number!: number
  @ApiProperty({ description: 'true for one that was sent before' }) replayed!: boolean
  @ApiProperty({ format: 'date-time' }) receivedAt!: string
}
