import { applyDecorators } from '@nestjs/common'
import { ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger'
import { Type } from 'class-transformer'
import { ArrayMaxSize, IsArray, IsOptional, IsUUID } from 'class-validator'
import type { CodeState } from '../../contracts/rest/data.js'
import type {
  Column,
  ColumnDeclaration,
  ColumnType,
  CommitDataset,
  Dataset,
  DatasetCommit,
  DatasetVersion,
  Expectation,
  ExpectationCounts,
  ExpectationResult,
  Rows,
} from '../../contracts/rest/datasets.js'
import type { TransformedSource } from '../../contracts/rest/fits.js'
import type { TypedExpectation } from '../../contracts/rest/expectations.js'
import { EXPECTATION_KINDS } from '../../domain/datasets/expectations.js'
import { SELECTOR_RULE } from '../../domain/data/selector.js'
import { COLUMN_TYPES } from '../../domain/datasets/schema.js'
import {
  AnyProperty,
  ChoiceField,
  FlagField,
  GitCommitField,
  IntField,
  NameField,
  ObjectField,
  RecordField,
  satisfies,
  TextField,
  TextsField,
  NumberField,
} from '../http/fields.js'
import { MOST_EXPECTATIONS } from '../../domain/expectations/suite-version.js'
import { RetentionDto } from '../data/collections.dto.js'
import { AsItCame } from '../http/as-it-came.js'
import { typedExpectationSchema, typedProblems } from './expectations.schema.js'
import { FileReadingDto } from '../uploads/uploads.dto.js'
import { ArtifactDto, OperationDto } from '../runs/operation.dto.js'
import { SuiteReferenceDto } from './suite-reference.dto.js'

const BoundField = () =>
  applyDecorators(
    ApiPropertyOptional({
      oneOf: [{ type: 'number' }, { type: 'string' }],
      description: 'dates: ISO 8601 text',
    }),
    IsOptional(),
    satisfies(value =>
      typeof value === 'number' || typeof value === 'string'
        ? []
        : [{ at: '', message: 'Must be a number, or ISO 8601 text for a date.' }],
    ),
  )

export class ColumnDeclarationDto implements ColumnDeclaration {
  @ChoiceField(COLUMN_TYPES) type!: ColumnType
  @TextField({
    optional: true,
    min: 1,
    max: 100,
    description: 'of dates and timestamps',
    example: '%m/%d/%Y',
  })
  format?: string
}

export class ExpectationDto implements Expectation {
  type?: never
  @ChoiceField(EXPECTATION_KINDS)
  kind!: Expectation['kind']
  @TextField({ optional: true, min: 1 }) column?: string
  @TextsField({ optional: true, min: 1, max: 100 }) columns?: string[]
  @BoundField() min?: number | string
  @BoundField() max?: number | string
  @BoundField() exclusiveMin?: number | string
  @BoundField() exclusiveMax?: number | string
  @ApiPropertyOptional({
    type: 'array',
    maxItems: 10_000,
    items: { oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }] },
  })
  @IsOptional()
  @satisfies(scalarListProblems)
  values?: (string | number | boolean)[]
  @NumberField({ optional: true, min: 0, description: 'of not_null: part of rows that may be empty, 0 to 1' })
  maxFraction?: number
  @ChoiceField(['error', 'warning'], {
    optional: true,
    default: 'error',
    description: 'a failed error refuses the version, a failed warning is kept with it',
  })
  severity?: 'error' | 'warning'
}

const EXPECTATION_FORMS = [typedExpectationSchema, { $ref: getSchemaPath(ExpectationDto) }]

const ExpectationsField = () =>
  applyDecorators(
    ApiPropertyOptional({
      type: 'array',
      maxItems: MOST_EXPECTATIONS,
      items: { oneOf: EXPECTATION_FORMS },
      description: 'those of the current suite of the dataset where it is left out',
    }),
    AsItCame(),
    IsOptional(),
    IsArray(),
    ArrayMaxSize(MOST_EXPECTATIONS),
    satisfies(typedProblems),
  )

class TransformedSourceDto implements TransformedSource {
  @NameField() dataset!: string
  @TextField({ optional: true, min: 1, max: 200, description: SELECTOR_RULE }) version?: string
  @NameField() transformation!: string
  @IntField({ optional: true, min: 1, max: 2 ** 31 - 1, description: 'the newest where left out' })
  transformationVersion?: number
  @FlagField({
    optional: true,
    default: false,
    description:
      'each row by what the folds have taught that it is not in: of the table that the transformation was fitted to, by folds',
  })
  outOfFold?: boolean
}

export class CommitDatasetDto implements CommitDataset {
  @ApiPropertyOptional({ format: 'uuid', description: 'id of an upload; either this or `transformed`' })
  @IsOptional()
  @IsUUID()
  upload?: string
  @ObjectField(() => TransformedSourceDto, {
    optional: true,
    description: 'instead of an upload: what a transformation makes of a version of a dataset',
  })
  transformed?: TransformedSourceDto
  @RecordField(ColumnDeclarationDto, {
    optional: true,
    description: 'types by column; those left out are inferred, or taken from the last version',
    example: { dteday: { type: 'date', format: '%m/%d/%Y' } },
  })
  columns?: Record<string, ColumnDeclaration>
  @TextsField({
    optional: true,
    max: 100,
    description:
      'texts that mean "no value", in CSV besides the empty one; those of the last version where left out',
  })
  nullValues?: string[]
  @ExpectationsField()
  expectations?: (ExpectationDto | TypedExpectation)[]
  @ChoiceField(['refuse', 'quarantine'], {
    optional: true,
    default: 'refuse',
    description:
      'data that fails an expectation of severity error becomes no version, or one of the branch `<branch>.quarantine`',
  })
  failedExpectations?: 'refuse' | 'quarantine'
  @TextField({ optional: true, max: 2000 }) message?: string
  @NameField({
    optional: true,
    description: 'that it is for; a new one begins at the newest version of the main one',
    default: 'main',
  })
  branch?: string
  @ChoiceField(['refuse', 'quarantine'], {
    optional: true,
    default: 'refuse',
    description: 'rows that the types cannot read refuse the version, or are put aside and counted',
  })
  badRows?: 'refuse' | 'quarantine'
  @IntField({
    optional: true,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    description: 'of quarantine: most rows that are put aside',
  })
  maxBadRows?: number
  @NumberField({
    optional: true,
    min: 0,
    max: 1,
    description: 'of quarantine: most of all rows, 0 to 1; 0.1 unless maxBadRows is given',
  })
  maxBadShare?: number
}

export class RowsQueryDto {
  @Type(() => Number)
  @IntField({ optional: true, min: 0, max: Number.MAX_SAFE_INTEGER, default: 0 })
  offset?: number
  @Type(() => Number)
  @IntField({ optional: true, min: 1, max: 1000, default: 20 })
  limit?: number
}

export class DatasetDto implements Dataset {
  @ApiProperty() name!: string
  @ApiProperty({ type: 'integer', description: 'the highest number, on whichever branch' })
  latestVersion!: number
  @ApiProperty({ format: 'date-time' }) createdAt!: string
  @ApiProperty({ type: RetentionDto, nullable: true, description: 'null: every version is kept' })
  retention!: RetentionDto | null
}

class ColumnDto implements Column {
  @ApiProperty() name!: string
  @ApiProperty({ enum: COLUMN_TYPES }) type!: ColumnType
  @ApiPropertyOptional() format?: string
  @ApiProperty() nullable!: boolean
}

class FailingRowDto {
  @ApiProperty({ type: 'integer' }) row!: number
  @ApiProperty({ type: 'object', additionalProperties: true }) values!: Record<string, unknown>
}

class ExpectationCountsDto implements ExpectationCounts {
  @ApiProperty({ type: 'integer' }) element_count!: number
  @ApiPropertyOptional({ type: 'integer' }) missing_count?: number
  @ApiProperty({ type: 'integer' }) unexpected_count!: number
  @ApiProperty({ type: Number, nullable: true, description: 'of rows with a value, 0 to 100' })
  unexpected_percent!: number | null
}

export class ExpectationResultDto implements ExpectationResult {
  @ApiProperty({ oneOf: EXPECTATION_FORMS }) expectation!: ExpectationDto | TypedExpectation
  @ApiProperty() passed!: boolean
  @AnyProperty('what was found: a number, a list, null') observed!: unknown
  @ApiProperty({ type: 'integer' }) failingRows!: number
  @ApiProperty({ type: [FailingRowDto] }) examples!: FailingRowDto[]
  @ApiPropertyOptional({ type: ExpectationCountsDto }) counts?: ExpectationCountsDto
}

export class CodeStateDto implements CodeState {
  @GitCommitField({ description: 'commit of the code, as git names it' }) commit!: string
  @FlagField({ description: 'true where the code had changes that were not committed' }) dirty!: boolean
}

class PurgeDto {
  @ApiProperty() by!: string
  @ApiProperty() reason!: string
}

export class DatasetVersionDto implements DatasetVersion {
  @ApiProperty() dataset!: string
  @ApiProperty({ type: 'integer' }) version!: number
  @ApiProperty({ description: 'on which it was made' }) branch!: string
  @ApiProperty({ type: [Number], description: 'versions that it comes after' }) parentVersions!: number[]
  @ApiProperty({
    description:
      'identity: of a table SHA-256 of raw bytes, conversion and engine version; else of its files',
  })
  root!: string
  @ApiProperty({ type: String, nullable: true, description: 'SHA-256 of the root of its files' })
  manifest!: string | null
  @ApiProperty({ type: 'integer', nullable: true }) files!: number | null
  @ApiProperty({ type: 'integer', nullable: true }) bytes!: number | null
  @ApiProperty({ type: 'integer', nullable: true, description: 'null where it has no table' })
  rows!: number | null
  @ApiProperty({ type: 'integer', description: 'rows that could not be read: see quarantine.jsonl' })
  quarantined!: number
  @ApiProperty({ type: FileReadingDto, nullable: true, description: 'how its file was read' })
  reading!: FileReadingDto | null
  @ApiProperty({ type: [ColumnDto] }) schema!: ColumnDto[]
  @AnyProperty('what was inferred, and how sure it was') proposal!: unknown
  @ApiProperty({
    type: SuiteReferenceDto,
    nullable: true,
    description: 'the suite of the dataset, where it was checked by that',
  })
  suite!: SuiteReferenceDto | null
  @ApiProperty({ type: [ExpectationResultDto] }) expectations!: ExpectationResultDto[]
  @AnyProperty('numbers by column') profile!: unknown
  @ApiProperty({ type: [String], description: 'roots of the versions before' }) parents!: string[]
  @ApiProperty({ type: String, nullable: true }) message!: string | null
  @ApiProperty({ type: String, nullable: true }) author!: string | null
  @ApiProperty({
    type: CodeStateDto,
    nullable: true,
    description: 'where the code stood that made its files',
  })
  code!: CodeStateDto | null
  @ApiProperty({
    type: String,
    nullable: true,
    description: 'SHA-256 of the commit object, once it is stored',
  })
  commit!: string | null
  @ApiProperty({ format: 'uuid' }) runId!: string
  @ApiProperty({ format: 'date-time' }) createdAt!: string
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'since when its files cannot be read',
  })
  retiredAt!: string | null
  @ApiProperty({ type: PurgeDto, nullable: true, description: 'who has had it erased, and why' })
  purge!: PurgeDto | null
  @ApiProperty({ type: [ArtifactDto] }) artifacts!: ArtifactDto[]
}

class DatasetLiveDto {
  @ApiProperty() stage!: string
}

export class DatasetCommitDto extends OperationDto implements DatasetCommit {
  @ApiProperty() dataset!: string
  @ApiProperty({ type: 'integer', nullable: true }) version!: number | null
  @ApiProperty({ type: Boolean, nullable: true, description: 'false: the content equals that version' })
  created!: boolean | null
  @ApiProperty({
    type: String,
    nullable: true,
    description: 'on which its version is: `<branch>.quarantine` where it is not as expected',
  })
  branch!: string | null
  @ApiProperty({
    type: SuiteReferenceDto,
    nullable: true,
    description: 'the suite of the dataset when it was taken on, where it is checked by that',
  })
  suite!: SuiteReferenceDto | null
  @ApiProperty({ type: DatasetLiveDto, nullable: true }) live!: DatasetLiveDto | null
}

export class RowsDto implements Rows {
  @ApiProperty({ type: [String] }) columns!: string[]
  @ApiProperty({ type: 'array', items: { type: 'array', items: {} } }) rows!: unknown[][]
  @ApiProperty({ type: 'integer', description: 'number of the first row, from 0' }) offset!: number
  @ApiProperty({ type: 'integer' }) total!: number
}

function scalarListProblems(value: unknown) {
  const scalar = (each: unknown) => ['string', 'number', 'boolean'].includes(typeof each)
  const good = Array.isArray(value) && value.length > 0 && value.length <= 10_000 && value.every(scalar)
  return good ? [] : [{ at: '', message: 'Must be a list of 1 to 10000 texts, numbers or booleans.' }]
}
