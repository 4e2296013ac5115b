import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { Type as Converted } from 'class-transformer'
import { IsInt, IsOptional, Max, Min } from 'class-validator'
import type {
  ColumnDrift,
  DriftWindow,
  QuartileErrors,
  WindowCheck,
  WindowMetrics,
  WindowSummary,
} from '../../contracts/rest/monitoring.js'

const STATES = ['open', 'waiting_for_labels', 'assessable', 'too_few'] as const

export class RevisionQueryDto {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, description: 'the latest where missing' })
  @IsOptional()
  @Converted(() => Number)
  @IsInt()
  @Min(1)
  @Max(2 ** 31 - 1)
  revision?: number
}

class WindowMetricsDto implements WindowMetrics {
  @ApiProperty() rmse!: number
  @ApiProperty() mae!: number
  @ApiProperty({ type: Number, nullable: true }) wape!: number | null
  @ApiProperty({ type: Number, nullable: true }) relativeBias!: number | null
  @ApiProperty({ type: Number, nullable: true }) r2!: number | null
}

class WindowCheckDto implements WindowCheck {
  @ApiProperty({ enum: ['relativeBias', 'wape'] }) metric!: WindowCheck['metric']
  @ApiProperty({ type: Number, nullable: true }) observed!: number | null
  @ApiProperty() threshold!: number
  @ApiProperty() breached!: boolean
  @ApiProperty() message!: string
}

class VersionShareDto {
  @ApiProperty({ type: 'integer' }) version!: number
  @ApiProperty({ description: 'of the rows, 0 to 1' }) share!: number
}

class WindowLinksDto {
  @ApiProperty() self!: string
  @ApiProperty({ description: 'for people, one HTML file' }) report!: string
  @ApiProperty({ description: 'the same as JSON' }) json!: string
  @ApiProperty({ description: 'the check that made it' }) run!: string
}

export class WindowSummaryDto implements WindowSummary {
  @ApiProperty({ example: '2012-01' }) id!: string
  @ApiProperty({ format: 'date-time' }) start!: string
  @ApiProperty({ format: 'date-time', description: 'not in the window' }) end!: string
  @ApiProperty({ type: 'integer', description: 'late rows and corrected labels make new ones' })
  revision!: number
  @ApiProperty({ enum: STATES }) state!: WindowSummary['state']
  @ApiProperty() reason!: string
  @ApiProperty({ type: Boolean, nullable: true, description: 'null where errors could not be judged' })
  breached!: boolean | null
  @ApiProperty({ type: 'integer' }) rows!: number
  @ApiProperty({ type: 'integer' }) labelled!: number
  @ApiProperty({ type: 'integer', description: 'predictions that were dropped and not logged' })
  dropped!: number
  @ApiProperty({ type: [VersionShareDto] }) versions!: VersionShareDto[]
  @ApiProperty({ type: WindowMetricsDto, nullable: true }) metrics!: WindowMetricsDto | null
  @ApiProperty({ type: [WindowCheckDto] }) checks!: WindowCheckDto[]
  @ApiProperty({ format: 'uuid' }) runId!: string
  @ApiProperty({ format: 'date-time' }) createdAt!: string
  @ApiProperty({ type: WindowLinksDto }) links!: WindowLinksDto
}

class RowsComparedDto {
  @ApiProperty({ type: 'integer' }) reference!: number
  @ApiProperty({ type: 'integer' }) current!: number
}

class ColumnDriftDto implements ColumnDrift {
  @ApiProperty() column!: string
  @ApiProperty({ enum: ['feature', 'prediction', 'label', 'time'] }) role!: ColumnDrift['role']
  @ApiProperty({ enum: ['assessed', 'not_assessed', 'not_tested'] }) status!: ColumnDrift['status']
  @ApiPropertyOptional({ description: 'why it is not compared' }) reason?: string
  @ApiPropertyOptional({ description: 'what the first test says' }) drifted?: boolean
  @ApiPropertyOptional({
    type: 'array',
    items: { type: 'object', additionalProperties: true },
    description: 'statistic, score, threshold',
  })
  tests?: unknown[]
  @ApiPropertyOptional({ type: 'array', items: { type: 'object', additionalProperties: true } })
  bins?: unknown[]
  @ApiPropertyOptional({ type: RowsComparedDto }) rows?: RowsComparedDto
}

class ValuesDto {
  @ApiProperty() min!: number
  @ApiProperty() max!: number
}

class QuartileErrorsDto implements QuartileErrors {
  @ApiProperty({ type: ValuesDto, nullable: true, description: 'null: rows without a value' })
  values!: ValuesDto | null
  @ApiProperty({ type: 'integer' }) rows!: number
  @ApiProperty() mae!: number
  @ApiProperty({ type: Number, nullable: true }) relativeBias!: number | null
  @ApiProperty({ type: Number, nullable: true }) wape!: number | null
}

class QuartilesDto {
  @ApiProperty({ example: 'temp' }) column!: string
  @ApiProperty({ type: [QuartileErrorsDto] }) groups!: QuartileErrorsDto[]
}

class GapDto {
  @ApiProperty({ format: 'date-time' }) from!: string
  @ApiProperty({ format: 'date-time' }) to!: string
  @ApiProperty({ type: 'integer' }) dropped!: number
}

export class DriftWindowDto extends WindowSummaryDto implements DriftWindow {
  @ApiProperty({ description: 'what it was compared with, in words' }) reference!: string
  @ApiProperty({ type: [ColumnDriftDto], description: 'label and prediction first; evidence, no verdict' })
  columns!: ColumnDriftDto[]
  @ApiProperty({ type: QuartilesDto, nullable: true }) quartiles!: QuartilesDto | null
  @ApiProperty({ type: [GapDto], description: 'of the prediction log' }) gaps!: GapDto[]
  @ApiProperty({ description: 'SHA-256 of what it follows from' }) fingerprint!: string
}
