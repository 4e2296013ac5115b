import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { IsOptional } from 'class-validator'
import type {
  ColumnDeclaration,
  MonitoredColumn,
  Monitoring,
  PendingWindow,
  Reference,
  SetMonitoring,
  WindowSpec,
} from '../../contracts/rest/monitoring.js'
import { ChoiceField, IntField, ObjectField, ObjectsField, satisfies, TextField } from '../http/fields.js'

const ROLES = ['feature', 'prediction', 'label', 'time'] as const
const TYPES = ['numeric', 'categorical'] as const
const LARGEST = 2 ** 31 - 1

const between = (least: number, most: number) =>
  satisfies(value => {
    if (typeof value === 'number' && value > least && value <= most) return []
    const upTo = most === Infinity ? '' : `, at most ${most}`
    return [{ at: '', message: `Must be a number above ${least}${upTo}.` }]
  })

class WindowSpecDto implements WindowSpec {
  @ChoiceField(['month', 'week', 'day', 'fixed']) every!: WindowSpec['every']
  @IntField({ optional: true, min: 60_000, max: 2 ** 50, description: 'fixed' }) lengthMs?: number
  @IntField({ optional: true, min: -(2 ** 50), max: 2 ** 50, description: 'fixed: when one begins' })
  originMs?: number
}

class ReferenceDto implements Reference {
  @ChoiceField(['training', 'sameSeason', 'trailing', 'version']) kind!: Reference['kind']
  @IntField({ optional: true, min: 1, max: 1_000, description: 'trailing' }) windows?: number
  @IntField({ optional: true, min: 1, max: LARGEST, description: 'version' }) version?: number
}

class BreachDto {
  @ApiPropertyOptional({ default: 0.2, description: 'in either direction' })
  @IsOptional()
  @between(0, Infinity)
  maxRelativeBias?: number
  @ApiPropertyOptional({ default: 0.4 }) @IsOptional() @between(0, Infinity) maxWape?: number
}

class ColumnToMonitorDto implements ColumnDeclaration {
  @TextField({ min: 1, max: 1000 }) name!: string
  @ChoiceField(['feature', 'time'], { optional: true, description: 'time says when and is not compared' })
  role?: 'feature' | 'time'
  @ChoiceField(TYPES, { optional: true }) type?: 'numeric' | 'categorical'
}

export class SetMonitoringDto implements SetMonitoring {
  @ObjectField(() => WindowSpecDto, { optional: true, description: 'calendar months where missing' })
  window?: WindowSpecDto
  @IntField({ optional: true, min: 1, max: 1_000_000_000, default: 500 }) minLabelled?: number
  @ApiPropertyOptional({ default: 0.95, description: 'of the rows of a window' })
  @IsOptional()
  @between(0, 1)
  minLabelledShare?: number
  @ObjectField(() => BreachDto, { optional: true }) breach?: BreachDto
  @IntField({ optional: true, min: 1, max: 100, default: 2, description: 'that open an incident' })
  breachesInARow?: number
  @ObjectField(() => ReferenceDto, { optional: true, description: 'sameSeason where missing' })
  reference?: ReferenceDto
  @ObjectsField(() => ColumnToMonitorDto, {
    optional: true,
    max: 2_000,
    description: 'features that are not what their type says',
  })
  columns?: ColumnToMonitorDto[]
  @TextField({ optional: true, min: 1, max: 1000, description: 'a numeric feature' }) quartilesOf?: string
}

class WindowOfPolicyDto implements WindowSpec {
  @ApiProperty({ enum: ['month', 'week', 'day', 'fixed'] }) every!: WindowSpec['every']
  @ApiPropertyOptional({ type: 'integer' }) lengthMs?: number
  @ApiPropertyOptional({ type: 'integer' }) originMs?: number
}

class ReferenceOfPolicyDto implements Reference {
  @ApiProperty({ enum: ['training', 'sameSeason', 'trailing', 'version'] }) kind!: Reference['kind']
  @ApiPropertyOptional({ type: 'integer' }) windows?: number
  @ApiPropertyOptional({ type: 'integer' }) version?: number
}

class BreachOfPolicyDto {
  @ApiProperty() maxRelativeBias!: number
  @ApiProperty() maxWape!: number
}

class MonitoredColumnDto implements MonitoredColumn {
  @ApiProperty() name!: string
  @ApiProperty({ enum: ROLES }) role!: MonitoredColumn['role']
  @ApiProperty({ enum: TYPES }) type!: MonitoredColumn['type']
}

class PendingWindowDto implements PendingWindow {
  @ApiProperty({ example: '2012-03' }) id!: string
  @ApiProperty({ format: 'date-time' }) start!: string
  @ApiProperty({ format: 'date-time' }) end!: string
  @ApiProperty({ enum: ['open', 'waiting_for_labels'] }) state!: PendingWindow['state']
  @ApiProperty({ example: '700 of 743 rows are labelled, less than 95 %' }) reason!: string
}

export class MonitoringDto implements Monitoring {
  @ApiProperty({ type: WindowOfPolicyDto }) window!: WindowOfPolicyDto
  @ApiProperty({ type: 'integer' }) minLabelled!: number
  @ApiProperty() minLabelledShare!: number
  @ApiProperty({ type: BreachOfPolicyDto }) breach!: BreachOfPolicyDto
  @ApiProperty({ type: 'integer' }) breachesInARow!: number
  @ApiProperty({ type: ReferenceOfPolicyDto }) reference!: ReferenceOfPolicyDto
  @ApiProperty({ type: [MonitoredColumnDto] }) columns!: MonitoredColumnDto[]
  @ApiProperty({ type: String, nullable: true }) quartilesOf!: string | null
  @ApiProperty({ type: [PendingWindowDto], description: 'that wait for their end or for labels' })
  pending!: PendingWindowDto[]
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) lookedAt!: string | null
}
