import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { IsOptional, Matches, ValidateIf } from 'class-validator'
import type {
  FollowAlias,
  FreezeDeployment,
  PromoteRollout,
  Rollout,
  RolloutDecision,
  RolloutDryRun,
  RolloutGates,
  RolloutLive,
  RolloutStop,
  RolloutStrategy,
  RolloutSummary,
  StartRollout,
  VerbAccepted,
} from '../../contracts/rest/rollouts.js'
import {
  AnyProperty,
  ChoiceField,
  FlagField,
  IntField,
  isInstant,
  NameField,
  NumberField,
  ObjectField,
  ObjectsField,
  satisfies,
  TextField,
  TextsField,
} from '../http/fields.js'
import { ID_PATTERN } from '../../domain/names.js'
import { PageQueryDto } from '../http/paging.js'
import { OperationDto, STATUSES } from '../runs/operation.dto.js'

const isAboveZero = satisfies(value =>
  typeof value === 'number' && value > 0 ? [] : [{ at: '', message: 'Must be a number above 0.' }],
)

class StopDto implements RolloutStop {
  @IntField({ min: 0, max: 100 }) percent!: number
  @IntField({ min: 1, max: 1_000_000_000, description: 'labelled rows that the verdict needs' })
  minRows!: number
  @NumberField({ optional: true, min: 0, default: 86_400 }) deadlineSeconds?: number
}

class ErrorGateDto {
  @NumberField({ optional: true, default: 0.05 }) alpha?: number
  @NumberField({ optional: true, default: 500 }) tunedAt?: number
  @IntField({ optional: true, min: 2, max: 1_000_000, default: 20 }) minUnits?: number
  @NumberField({ optional: true, default: 0.1 }) maxIncrease?: number
}

class RankGateDto {
  @NumberField({ optional: true, default: 0.5 }) minCorrelation?: number
  @IntField({ optional: true, min: 3, max: 1_000_000, default: 30 }) minPairs?: number
}

class GatesDto implements RolloutGates {
  @ObjectField(() => ErrorGateDto, { optional: true }) error?: ErrorGateDto
  @ObjectField(() => RankGateDto, { optional: true, description: 'null leaves it out' })
  rank?: RankGateDto | null
}

export class StrategyDto implements RolloutStrategy {
  @ChoiceField(['canary', 'blueGreen', 'shadow', 'instant']) kind!: RolloutStrategy['kind']
  @ObjectsField(() => StopDto, { optional: true, max: 20, description: 'canary' }) stops?: StopDto[]
  @IntField({ optional: true, min: 0, max: 100, default: 20, description: 'canary' }) mirrorPercent?: number
  @ObjectField(() => StopDto, { optional: true, description: 'blueGreen' }) mirror?: StopDto
  @ApiPropertyOptional({ type: Number, nullable: true, description: 'blueGreen; null waits for promote' })
  @IsOptional()
  @ValidateIf((_, value) => value !== null)
  @isAboveZero
  observeSeconds?: number | null
  @IntField({ optional: true, min: 1, max: 100, description: 'shadow' }) percent?: number
  @IntField({ optional: true, min: 1, max: 1_000_000_000, description: 'shadow' }) minRows?: number
  @NumberField({ optional: true, min: 0, description: 'shadow' }) deadlineSeconds?: number
  @ObjectField(() => GatesDto, { optional: true }) gates?: GatesDto
  @TextsField({ optional: true, max: 2, description: 'roles that may approve: admin, operator' })
  approve?: ('admin' | 'operator')[]
}

class ForceDto {
  @TextField({ min: 1, max: 1000, description: "why; kept in the version's lineage" }) reason!: string
}

export class StartRolloutDto implements StartRollout {
  @IntField({ optional: true, min: 1, max: 2 ** 31 - 1 }) version?: number
  @ApiPropertyOptional({ format: 'uuid', description: 'a training that the gate refused; needs force' })
  @IsOptional()
  @Matches(ID_PATTERN, { message: '$property is the id of a training' })
  training?: string
  @ObjectField(() => StrategyDto, { optional: true, description: 'a canary with defaults where missing' })
  strategy?: StrategyDto
  @ObjectField(() => ForceDto, { optional: true, description: 'needs the role admin' }) force?: ForceDto
  @TextField({ min: 1, max: 1000, description: 'why; kept in the histories of traffic and alias' })
  reason!: string
}

export class PromoteRolloutDto implements PromoteRollout {
  @FlagField({ optional: true, description: 'all steps that are left instead of one' }) full?: boolean
}

export class FollowAliasDto implements FollowAlias {
  @NameField({ optional: true, default: 'champion' }) alias?: string
  @ObjectField(() => StrategyDto, { optional: true, description: 'a canary with defaults where missing' })
  strategy?: StrategyDto
}

export class FreezeDto implements FreezeDeployment {
  @ApiProperty({ format: 'date-time' }) @isInstant from!: string
  @ApiProperty({ format: 'date-time' }) @isInstant until!: string
  @TextField({ min: 1, max: 1000 }) reason!: string
}

export class RolloutsQueryDto extends PageQueryDto {
  @ChoiceField(STATUSES, { optional: true }) status?: RolloutSummary['status']
  @TextField({ optional: true, max: 100 }) deployment?: string
}

class RolloutArmDto {
  @ApiProperty({ type: 'integer' }) version!: number
  @ApiProperty({ enum: ['stable', 'candidate', 'shadow'] }) role!: 'stable' | 'candidate' | 'shadow'
  @ApiProperty({ description: 'percent of keys that it answers' }) weight!: number
  @ApiPropertyOptional({ description: 'percent of keys that a shadow scores too' }) sample?: number
}

class RolloutTrafficDto {
  @ApiProperty({ type: 'integer' }) revision!: number
  @ApiProperty({ type: [RolloutArmDto] }) arms!: RolloutArmDto[]
  @ApiProperty() reason!: string
  @ApiProperty({ format: 'date-time' }) createdAt!: string
}

class RolloutLiveDto implements RolloutLive {
  @ApiProperty() stage!: string
  @ApiProperty({ type: 'integer', nullable: true }) step!: number | null
  @ApiProperty({ type: 'integer', nullable: true }) steps!: number | null
  @ApiProperty({ type: [RolloutArmDto] }) arms!: RolloutArmDto[]
  @ApiProperty({ type: String, nullable: true }) waitingFor!: string | null
  @ApiProperty({ type: 'array', items: { type: 'object', additionalProperties: true } })
  assessments!: unknown[]
}

export class RolloutSummaryDto extends OperationDto implements RolloutSummary {
  @ApiProperty() deployment!: string
  @ApiProperty({ type: String, nullable: true, example: 'promoted' }) outcome!: string | null
  @ApiProperty({ type: 'integer', nullable: true }) version!: number | null
}

export class RolloutDto extends RolloutSummaryDto implements Rollout {
  @AnyProperty('the complete request') spec!: unknown
  @ApiProperty({ type: [String], nullable: true }) plan!: string[] | null
  @ApiProperty({ type: RolloutLiveDto, nullable: true }) live!: RolloutLiveDto | null
  @ApiProperty({ type: [RolloutTrafficDto], description: 'plans that it has issued, newest first' })
  traffic!: RolloutTrafficDto[]
}

export class RolloutDryRunDto implements RolloutDryRun {
  @ApiProperty() deployment!: string
  @ApiProperty({ type: 'integer', nullable: true }) candidate!: number | null
  @ApiProperty({ type: 'integer', nullable: true }) stable!: number | null
  @ApiProperty() strategy!: string
  @ApiProperty({ type: [String] }) lines!: string[]
}

export class RolloutDecisionDto implements RolloutDecision {
  @ApiProperty({ type: 'integer' }) number!: number
  @ApiProperty({ format: 'date-time' }) at!: string
  @ApiProperty() status!: string
  @ApiProperty({ type: 'integer' }) step!: number
  @ApiProperty({ type: String, enum: ['pass', 'fail', 'inconclusive'], nullable: true })
  verdict!: RolloutDecision['verdict']
  @ApiProperty() message!: string
  @ApiProperty({
    type: 'array',
    items: { type: 'object', additionalProperties: true },
    description: 'gates with sample sizes, statistic, bounds and thresholds',
  })
  assessments!: unknown[]
  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'string' },
    description: 'hashes of the rows that were looked at',
  })
  rows!: Record<string, string>
}

export class VerbAcceptedDto implements VerbAccepted {
  @ApiProperty({ format: 'uuid' }) rolloutId!: string
  @ApiProperty() status!: string
  @ApiProperty() message!: string
}
