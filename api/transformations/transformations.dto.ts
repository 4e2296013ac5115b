import { ApiProperty } from '@nestjs/swagger'
import type {
  DatasetOfFit,
  DealtFolds,
  Fit,
  StartFit,
  Transformation,
  TransformedRows,
  TransformRows,
  TransformationColumn,
  TransformationVersion,
} from '../../contracts/rest/fits.js'
import type { TransformationStep } from '../../contracts/rest/transformations.js'
import { SELECTOR_RULE } from '../../domain/data/selector.js'
import { FOLD_LIMIT } from '../../domain/transformations/limits.js'
import { IntField, ListField, NameField, TextField } from '../http/fields.js'
import { ArtifactDto, OperationDto } from '../runs/operation.dto.js'

const STEPS = 'steps in their order, as docs/reference/transformations.md has them'
const StepsProperty = () =>
  ApiProperty({ type: 'array', items: { type: 'object', additionalProperties: true }, description: STEPS })

export class StartFitDto implements StartFit {
  @NameField() dataset!: string
  @TextField({ optional: true, min: 1, max: 200, description: SELECTOR_RULE }) version?: string
  @TextField({
    optional: true,
    min: 1,
    max: 10_000,
    description: 'predicate in SQL for the rows that are learned from; all of them where left out',
    example: "dteday < DATE '2012-07-01'",
  })
  where?: string
  @ListField({ max: 100, description: STEPS }) steps!: TransformationStep[]
  @IntField({
    optional: true,
    min: 2,
    max: FOLD_LIMIT,
    description:
      'parts that the rows are dealt into: of each is also learned what the others teach, so that the table can be transformed without that a row knows its own target',
  })
  folds?: number
  @IntField({ optional: true, default: 0, min: 0, max: 2 ** 32 - 1, description: 'of the folds' })
  seed?: number
}

export class DealtFoldsDto implements DealtFolds {
  @ApiProperty({ type: 'integer' }) count!: number
  @ApiProperty({ type: 'integer' }) seed!: number
}

export class DatasetOfFitDto implements DatasetOfFit {
  @ApiProperty() name!: string
  @ApiProperty({ type: 'integer' }) version!: number
  @ApiProperty() root!: string
}

export class FitDto extends OperationDto implements Fit {
  @ApiProperty() transformation!: string
  @ApiProperty({ type: DatasetOfFitDto }) dataset!: DatasetOfFitDto
  @ApiProperty({ type: String, nullable: true }) where!: string | null
  @ApiProperty({ type: DealtFoldsDto, nullable: true }) folds!: DealtFoldsDto | null
  @ApiProperty({ type: 'integer', nullable: true, description: 'that it has made or found' })
  version!: number | null
  @ApiProperty({
    type: Boolean,
    nullable: true,
    description: 'false: the newest version had learned the same from the same',
  })
  created!: boolean | null
}

export class TransformationDto implements Transformation {
  @ApiProperty() name!: string
  @ApiProperty({ type: 'integer' }) latestVersion!: number
  @ApiProperty({ format: 'date-time' }) createdAt!: string
}

class TransformationColumnDto implements TransformationColumn {
  @ApiProperty() name!: string
  @ApiProperty({ example: 'DOUBLE', description: 'in DuckDB' }) type!: string
}

export class TransformationVersionDto implements TransformationVersion {
  @ApiProperty() transformation!: string
  @ApiProperty({ type: 'integer' }) version!: number
  @ApiProperty({ description: 'of the artifact state.json: the steps, and what they have learned' })
  sha256!: string
  @StepsProperty() steps!: TransformationStep[]
  @ApiProperty({ type: [TransformationColumnDto], description: 'of the table that it was fitted to' })
  input!: TransformationColumnDto[]
  @ApiProperty({ type: [TransformationColumnDto], description: 'that it makes of them' })
  output!: TransformationColumnDto[]
  @ApiProperty({ type: 'integer', description: 'that it was fitted to' }) rows!: number
  @ApiProperty({ type: String, nullable: true }) where!: string | null
  @ApiProperty({ type: DealtFoldsDto, nullable: true, description: 'null: nothing was learned of parts' })
  folds!: DealtFoldsDto | null
  @ApiProperty({
    type: DatasetOfFitDto,
    nullable: true,
    description: 'null where a pipeline has made the table that it was fitted to',
  })
  dataset!: DatasetOfFitDto | null
  @ApiProperty({ format: 'uuid' }) runId!: string
  @ApiProperty({ format: 'date-time' }) createdAt!: string
  @ApiProperty({ type: [ArtifactDto] }) artifacts!: ArtifactDto[]
}

export class TransformRowsDto implements TransformRows {
  @ListField({ max: 1000, description: 'rows by column; dates are ISO 8601 text' })
  rows!: Record<string, unknown>[]
}

export class TransformedRowsDto implements TransformedRows {
  @ApiProperty({
    type: 'array',
    items: { type: 'object', additionalProperties: true },
    description: 'in the order of those that were given',
  })
  rows!: Record<string, unknown>[]
}
