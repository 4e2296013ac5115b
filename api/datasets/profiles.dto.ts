import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import type {
  ColumnDiff,
  ColumnDistance,
  ColumnProfile,
  NumberChange,
  NumericFigures,
  ProfileAlert,
  ProfileCorrelations,
  ProfileDiff,
  ProfileHistogram,
  QuantilesChange,
  SchemaChange,
  TableChanges,
  TableDiff,
  TableProfile,
  TemporalFigures,
  TextChange,
  TextFigures,
} from '../../contracts/rest/profiles.js'
import { SELECTOR_RULE } from '../../domain/data/selector.js'
import { ALERT_KINDS } from '../../domain/profile/thresholds.js'
import { AnyProperty, TextField } from '../http/fields.js'

const Count = (description?: string) => ApiProperty({ type: 'integer', ...(description && { description }) })
const NumberOrNull = (description?: string) =>
  ApiProperty({ type: Number, nullable: true, ...(description && { description }) })
const Quantiles = (type: 'number' | 'string') =>
  ApiProperty({
    type: 'array',
    items: { type, nullable: true },
    description: '1, 5, 25, 50, 75, 95 and 99 %',
  })

class ProfileHistogramDto implements ProfileHistogram {
  @ApiProperty({ type: 'integer', description: 'bin i begins at (first + i) 2^exponent' }) exponent!: number
  @ApiProperty({ type: 'integer' }) first!: number
  @ApiProperty({ type: 'array', items: { type: 'integer' } }) counts!: number[]
}

class NumericFiguresDto implements NumericFigures {
  @NumberOrNull() mean!: number | null
  @NumberOrNull() std!: number | null
  @Quantiles('number') quantiles!: (number | null)[]
  @Count() nan!: number
  @Count() infinite!: number
  @Count() zeros!: number
  @ApiProperty({ type: 'integer', nullable: true }) negative!: number | null
  @NumberOrNull() skewness!: number | null
  @NumberOrNull() kurtosis!: number | null
}

class TextFiguresDto implements TextFigures {
  @NumberOrNull('in characters') minLength!: number | null
  @NumberOrNull() maxLength!: number | null
  @NumberOrNull() meanLength!: number | null
  @Count() empty!: number
}

class TemporalFiguresDto implements TemporalFigures {
  @Quantiles('string') quantiles!: (string | null)[]
}

class TopValueDto {
  @AnyProperty('null: missing') value!: unknown
  @Count('rows') count!: number
}

const KINDS = ['integer', 'number', 'string', 'boolean', 'date', 'timestamp', 'other'] as const

class ColumnProfileDto implements ColumnProfile {
  @ApiProperty() name!: string
  @ApiProperty({ description: 'as DuckDB names it' }) type!: string
  @ApiProperty({ enum: KINDS }) kind!: ColumnProfile['kind']
  @Count('rows with a value') count!: number
  @Count() nulls!: number
  @Count() distinct!: number
  @AnyProperty('of finite values; texts are cut to 200 characters') min!: unknown
  @AnyProperty('of finite values; texts are cut to 200 characters') max!: unknown
  @ApiProperty({ type: NumericFiguresDto, nullable: true }) numeric!: NumericFiguresDto | null
  @ApiProperty({ type: TextFiguresDto, nullable: true }) text!: TextFiguresDto | null
  @ApiProperty({ type: TemporalFiguresDto, nullable: true }) temporal!: TemporalFiguresDto | null
  @ApiProperty({
    type: ProfileHistogramDto,
    nullable: true,
    description: 'of numbers, lengths of texts, dates in days and timestamps in seconds since 1970',
  })
  histogram!: ProfileHistogramDto | null
  @NumberOrNull('1 - entropy / log2(distinct), of 2 to 50 distinct values') imbalance!: number | null
  @ApiProperty({ type: [TopValueDto] }) top!: TopValueDto[]
}

class ProfileCorrelationsDto implements ProfileCorrelations {
  @ApiProperty({ type: [String] }) columns!: string[]
  @ApiProperty({
    type: 'array',
    items: { type: 'number', nullable: true },
    description: 'above the diagonal, row by row',
  })
  values!: (number | null)[]
  @ApiProperty({ type: Number, description: 'part of the rows that they rest on' }) sampled!: number
  @Count('numeric columns that were left out') left!: number
}

class ProfileAlertDto implements ProfileAlert {
  @ApiProperty({ enum: ALERT_KINDS }) kind!: ProfileAlert['kind']
  @ApiProperty({ type: String, nullable: true, description: 'null: of the table' }) column!: string | null
  @ApiProperty({ type: Number, description: 'what was measured' }) value!: number
  @ApiPropertyOptional({ description: 'of high correlations: the other column' }) other?: string
}

export class TableProfileDto implements TableProfile {
  @ApiProperty() dataset!: string
  @Count() version!: number
  @Count() rows!: number
  @ApiProperty({ description: 'false: they are estimates' }) exactQuantiles!: boolean
  @ApiProperty({ type: 'integer', nullable: true, description: 'rows that equal an earlier one' })
  duplicates!: number | null
  @ApiProperty({ type: ProfileCorrelationsDto, nullable: true }) correlations!: ProfileCorrelationsDto | null
  @ApiProperty({ type: [ProfileAlertDto] }) alerts!: ProfileAlertDto[]
  @ApiProperty({ type: [ColumnProfileDto] }) columns!: ColumnProfileDto[]
}

class NumberChangeDto implements NumberChange {
  @NumberOrNull() from!: number | null
  @NumberOrNull() to!: number | null
}

class TextChangeDto implements TextChange {
  @ApiProperty({ type: String, nullable: true }) from!: string | null
  @ApiProperty({ type: String, nullable: true }) to!: string | null
}

const QuantileList = () =>
  ApiProperty({
    type: 'array',
    nullable: true,
    items: { oneOf: [{ type: 'number' }, { type: 'string' }], nullable: true },
  })

class QuantilesChangeDto implements QuantilesChange {
  @QuantileList() from!: (number | string | null)[] | null
  @QuantileList() to!: (number | string | null)[] | null
}

class ColumnDistanceDto implements ColumnDistance {
  @ApiProperty({ enum: ['histogram', 'values', 'lengths'] }) of!: ColumnDistance['of']
  @ApiProperty({ type: Number, description: 'population stability index' }) psi!: number
  @ApiProperty({ type: Number, description: 'distance to base 2, 0 to 1' }) jensenShannon!: number
  @ApiProperty({ enum: ['none', 'moderate', 'large'] }) shift!: ColumnDistance['shift']
}

class ColumnDiffDto implements ColumnDiff {
  @ApiProperty() name!: string
  @ApiProperty({ enum: ['added', 'removed', 'retyped', 'kept'] }) change!: ColumnDiff['change']
  @ApiProperty({ type: TextChangeDto }) type!: TextChangeDto
  @ApiProperty({ type: NumberChangeDto, description: 'shares of rows, 0 to 1' }) missing!: NumberChangeDto
  @ApiProperty({ type: NumberChangeDto }) distinct!: NumberChangeDto
  @ApiProperty({ type: NumberChangeDto }) mean!: NumberChangeDto
  @ApiProperty({ type: NumberChangeDto }) std!: NumberChangeDto
  @ApiProperty({ type: QuantilesChangeDto }) quantiles!: QuantilesChangeDto
  @ApiProperty({ type: ColumnDistanceDto, nullable: true }) distance!: ColumnDistanceDto | null
}

export class ProfileDiffDto implements ProfileDiff {
  @ApiProperty() dataset!: string
  @Count('number of the version') from!: number
  @Count('number of the version') to!: number
  @ApiProperty({ type: NumberChangeDto }) rows!: NumberChangeDto
  @ApiProperty({ type: NumberChangeDto }) duplicates!: NumberChangeDto
  @ApiProperty({ type: [ColumnDiffDto] }) columns!: ColumnDiffDto[]
  @ApiProperty({ type: [ProfileAlertDto] }) alertsAppeared!: ProfileAlertDto[]
  @ApiProperty({ type: [ProfileAlertDto] }) alertsGone!: ProfileAlertDto[]
}

class SchemaChangeDto implements SchemaChange {
  @ApiProperty() column!: string
  @ApiProperty({ enum: ['added', 'removed', 'retyped'] }) change!: SchemaChange['change']
  @ApiProperty({ type: TextChangeDto }) type!: TextChangeDto
}

export class TableChangesDto implements TableChanges {
  @ApiProperty({ type: NumberChangeDto }) rows!: NumberChangeDto
  @ApiProperty({ type: [SchemaChangeDto] }) schema!: SchemaChangeDto[]
  @ApiProperty({
    type: [ColumnDiffDto],
    nullable: true,
    description: 'all columns; null where a version has no profile',
  })
  distributions!: ColumnDiffDto[] | null
}

export class TableDiffDto implements TableDiff {
  @ApiProperty() dataset!: string
  @Count('number of the version') from!: number
  @Count('number of the version') to!: number
  @ApiProperty({ type: TableChangesDto, nullable: true, description: 'null unless both have a table' })
  table!: TableChangesDto | null
}

export class ProfileDiffQueryDto {
  @TextField({ max: 200, description: SELECTOR_RULE }) from!: string
  @TextField({ max: 200, description: SELECTOR_RULE }) to!: string
}
