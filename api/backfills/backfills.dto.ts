import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { IsIn, IsOptional, Matches } from 'class-validator'
import type {
  Backfill,
  BackfillAsset,
  BackfillItem,
  BackfillsQuery,
  BackfillSummary,
  BackfillVerbAccepted,
  ItemCounts,
  ItemsQuery,
  MaterialiseAsset,
  PauseBackfill,
  StartBackfill,
  Upstream,
} from '../../contracts/rest/backfills.js'
import type { Operation } from '../../contracts/rest/operations.js'
import { ITEM_STATES } from '../../domain/assets/items.js'
import { UPSTREAM } from '../../domain/assets/plan.js'
import { NAME_PATTERN } from '../../domain/names.js'
import {
  AnyField,
  AnyProperty,
  ChoiceField,
  FlagField,
  IntField,
  TextField,
  TextsField,
} from '../http/fields.js'
import { PageQueryDto } from '../http/paging.js'
import { OperationDto, RunProblemDto, STATUSES } from '../runs/operation.dto.js'

/** Bytes: ten thousand of the longest keys, quoted. */
export const MAX_BACKFILL_BYTES = 1_500_000
const ON_FAILURE = ['finish_others', 'stop'] as const

class BackfillOptionsDto {
  @ChoiceField(UPSTREAM, {
    optional: true,
    default: 'stale',
    description:
      'what is made of what they need: what is not fresh, all of it (fresh ones are skipped), nothing',
  })
  upstream?: Upstream
  @IntField({ optional: true, min: 1, max: 100, default: 10, description: 'partitions at the same time' })
  parallel?: number
  @ChoiceField(ON_FAILURE, {
    optional: true,
    default: 'finish_others',
    description: 'what a partition that does not end well stops: those that need it, or all not begun',
  })
  onFailure?: BackfillSummary['onFailure']
  @FlagField({ optional: true, default: false, description: 'what is fresh is made too' })
  force?: boolean
}

export class MaterialiseAssetDto extends BackfillOptionsDto implements MaterialiseAsset {
  @TextField({ optional: true, min: 1, max: 100, description: 'of an asset that has partitions' })
  partition?: string
}

export class StartBackfillDto extends BackfillOptionsDto implements StartBackfill {
  @TextsField({ min: 1, max: 200, description: 'names of assets' })
  assets!: string[]
  @AnyField({
    optional: true,
    max: MAX_BACKFILL_BYTES,
    default: 'stale',
    description: '`{"from", "to"}` (both are in it), `{"keys": []}`, `"missing"`, `"stale"` or `"all"`',
  })
  partitions?: unknown
}

export class PauseBackfillDto implements PauseBackfill {
  @TextField({ optional: true, min: 1, max: 1000 }) reason?: string
}

export class BackfillsQueryDto extends PageQueryDto implements BackfillsQuery {
  @ApiPropertyOptional({ description: 'the first one that was asked for' })
  @IsOptional()
  @Matches(NAME_PATTERN, { message: 'asset is not a name that one can have' })
  asset?: string
  @ApiPropertyOptional({ enum: STATUSES })
  @IsOptional()
  @IsIn(STATUSES)
  status?: Operation['status']
}

export class ItemsQueryDto extends PageQueryDto implements ItemsQuery {
  @ApiPropertyOptional({ enum: ITEM_STATES })
  @IsOptional()
  @IsIn(ITEM_STATES)
  state?: BackfillItem['state']
  @ApiPropertyOptional()
  @IsOptional()
  @Matches(NAME_PATTERN, { message: 'asset is not a name that one can have' })
  asset?: string
}

class ItemCountsDto implements ItemCounts {
  @ApiProperty({ type: 'integer' }) waiting!: number
  @ApiProperty({ type: 'integer' }) running!: number
  @ApiProperty({ type: 'integer' }) succeeded!: number
  @ApiProperty({ type: 'integer', description: 'fresh when their turn came' }) skipped!: number
  @ApiProperty({ type: 'integer' }) failed!: number
  @ApiProperty({ type: 'integer' }) cancelled!: number
  @ApiProperty({ type: 'integer', description: 'what they need has not ended well' }) blocked!: number
}

export class BackfillSummaryDto extends OperationDto implements BackfillSummary {
  @ApiProperty({ type: [String] }) assets!: string[]
  @ApiProperty({ enum: UPSTREAM }) upstream!: BackfillSummary['upstream']
  @ApiProperty({ type: 'integer' }) parallel!: number
  @ApiProperty({ enum: ON_FAILURE }) onFailure!: BackfillSummary['onFailure']
  @ApiProperty() force!: boolean
  @ApiProperty({ type: 'integer', description: 'partitions in its plan' }) items!: number
  @ApiProperty({ type: ItemCountsDto }) counts!: ItemCountsDto
}

class BackfillAssetDto implements BackfillAsset {
  @ApiProperty() asset!: string
  @ApiProperty({ type: ItemCountsDto }) counts!: ItemCountsDto
  @ApiProperty({ type: Number, nullable: true, description: 'of one partition, on average' })
  seconds!: number | null
}

class BackfillPausedDto {
  @ApiProperty() by!: string
  @ApiProperty({ type: String, nullable: true }) reason!: string | null
}

export class BackfillDto extends BackfillSummaryDto implements Backfill {
  @AnyProperty('as they were asked for') partitions!: unknown
  @ApiProperty({ type: [BackfillAssetDto] }) byAsset!: BackfillAssetDto[]
  @ApiProperty({ type: Number, nullable: true, description: 'since its first start' }) seconds!: number | null
  @ApiProperty({ type: BackfillPausedDto, nullable: true }) paused!: BackfillPausedDto | null
  @ApiProperty({ description: 'path of its progress for people' }) page!: string
}

export class BackfillItemDto implements BackfillItem {
  @ApiProperty({ type: 'integer' }) position!: number
  @ApiProperty() asset!: string
  @ApiProperty({ description: 'empty for an asset without partitions' }) partition!: string
  @ApiProperty({ type: [Number], description: 'positions of items that are made before' }) needs!: number[]
  @ApiProperty({ enum: ITEM_STATES }) state!: BackfillItem['state']
  @ApiProperty({ type: String, format: 'uuid', nullable: true, description: 'of its pipeline' })
  runId!: string | null
  @ApiProperty({ type: String, nullable: true }) note!: string | null
  @ApiProperty({ type: RunProblemDto, nullable: true }) error!: RunProblemDto | null
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) startedAt!: string | null
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) endedAt!: string | null
}

export class BackfillVerbAcceptedDto implements BackfillVerbAccepted {
  @ApiProperty({ format: 'uuid' }) runId!: string
  @ApiProperty() paused!: boolean
}
