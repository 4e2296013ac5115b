import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { IsInt, Max, Min, ValidateIf } from 'class-validator'
import type { ExpectationSuite, TypedExpectation } from '../../contracts/rest/expectations.js'
import type {
  ImportedSuite,
  ImportSuite,
  InferredSuite,
  InferSuite,
  LeftOutExpectation,
  PutSuite,
  StartValidation,
  SuitePut,
  SuiteReference,
  SuiteSummary,
  SuiteVersion,
  Validation,
  ValidationFound,
  ValidationPlan,
  ValidationResults,
  ValidationStatement,
} from '../../contracts/rest/suites.js'
import { SELECTOR_RULE } from '../../domain/data/selector.js'
import { IntField, MapField, TextField } from '../http/fields.js'
import { OperationDto } from '../runs/operation.dto.js'
import { ExpectationResultDto } from './datasets.dto.js'
import { typedExpectationSchema } from './expectations.schema.js'
import { SuiteReferenceDto } from './suite-reference.dto.js'

const MOST = 2 ** 31 - 1

export class PutSuiteDto implements PutSuite {
  @MapField({ description: 'a suite, as docs/reference/expectations.md has it' })
  suite!: ExpectationSuite
  @ApiPropertyOptional({
    type: 'integer',
    nullable: true,
    minimum: 1,
    maximum: MOST,
    description: 'version that is to be the current one still, null for none; another one is refused',
  })
  @ValidateIf((body: PutSuiteDto) => body.expected !== null && body.expected !== undefined)
  @IsInt()
  @Min(1)
  @Max(MOST)
  expected?: number | null
  @TextField({ optional: true, min: 1, max: 200 }) author?: string
  @TextField({ optional: true, max: 2000 }) message?: string
}

class SuiteDto implements ExpectationSuite {
  @ApiPropertyOptional() name?: string
  @ApiPropertyOptional() notes?: string
  @ApiProperty({ type: 'array', items: typedExpectationSchema }) expectations!: TypedExpectation[]
}

export class SuiteSummaryDto extends SuiteReferenceDto implements SuiteSummary {
  @ApiProperty() dataset!: string
  @ApiProperty({ description: 'true for the one that commits are checked by' }) current!: boolean
  @ApiProperty({ type: 'integer', description: 'how many there are in it' }) expectations!: number
  @ApiProperty({ type: String, nullable: true }) author!: string | null
  @ApiProperty({ type: String, nullable: true }) message!: string | null
  @ApiProperty({ description: 'who has given it first', example: 'key:admin' }) principal!: string
  @ApiProperty({ format: 'date-time' }) createdAt!: string
}

export class SuiteVersionDto extends SuiteSummaryDto implements SuiteVersion {
  @ApiProperty({ type: SuiteDto }) suite!: ExpectationSuite
}

export class SuitePutDto extends SuiteVersionDto implements SuitePut {
  @ApiProperty({ description: 'false where there was a version with this content' }) created!: boolean
}

export class ImportSuiteDto implements ImportSuite {
  @MapField({ description: 'JSON of a suite of Great Expectations, 0.18 or 1.x' })
  greatExpectations!: Record<string, unknown>
}

class LeftOutExpectationDto implements LeftOutExpectation {
  @ApiProperty({ example: 'expectations[3]' }) at!: string
  @ApiProperty() type!: string
  @ApiProperty() reason!: string
}

export class ImportedSuiteDto implements ImportedSuite {
  @ApiProperty({ type: SuiteDto }) suite!: ExpectationSuite
  @ApiProperty({ type: [LeftOutExpectationDto], description: 'what was not taken over, and why' })
  left!: LeftOutExpectationDto[]
}

export class InferSuiteDto implements InferSuite {
  @TextField({ optional: true, min: 1, max: 200, description: SELECTOR_RULE }) version?: string
}

export class InferredSuiteDto implements InferredSuite {
  @ApiProperty() dataset!: string
  @ApiProperty({ type: 'integer', description: 'version of the dataset that it was made from' })
  version!: number
  @ApiProperty({ type: SuiteDto }) suite!: ExpectationSuite
}

export class StartValidationDto implements StartValidation {
  @TextField({ optional: true, min: 1, max: 200, description: SELECTOR_RULE }) version?: string
  @IntField({
    optional: true,
    min: 1,
    max: MOST,
    description: 'version of the suite, the current one by default',
  })
  suite?: number
}

class ValidationFoundDto implements ValidationFound {
  @ApiProperty({ type: 'integer' }) expectations!: number
  @ApiProperty({ type: 'integer', description: 'of severity error' }) failed!: number
  @ApiProperty({ type: 'integer', description: 'of severity warn' }) warned!: number
}

export class ValidationDto extends OperationDto implements Validation {
  @ApiProperty() dataset!: string
  @ApiProperty({ type: 'integer' }) version!: number
  @ApiProperty({ type: SuiteReferenceDto }) suite!: SuiteReference
  @ApiProperty({ type: ValidationFoundDto, nullable: true }) found!: ValidationFoundDto | null
}

class ValidationStatementDto implements ValidationStatement {
  @ApiProperty({
    enum: ['scan', 'uniqueness', 'reference', 'distribution', 'samples'],
    description: 'what it measures; `samples` only where rows fail, the first of them',
  })
  kind!: ValidationStatement['kind']
  @ApiProperty() about!: string
  @ApiProperty({
    type: 'array',
    items: { type: 'integer' },
    description: 'places in `results` of the expectations that it answers something of',
  })
  expectations!: number[]
}

class ValidationPlanDto implements ValidationPlan {
  @ApiProperty({
    type: 'integer',
    description: 'how often the table is read: statements but `samples`; past 400 aggregates one is split',
  })
  scans!: number
  @ApiProperty({ type: [ValidationStatementDto] }) statements!: ValidationStatementDto[]
}

export class ValidationResultsDto implements ValidationResults {
  @ApiProperty({ type: ValidationPlanDto }) plan!: ValidationPlanDto
  @ApiProperty({ type: [ExpectationResultDto] }) results!: ExpectationResultDto[]
}
