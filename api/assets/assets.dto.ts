import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator'
import type {
  AppliedAsset,
  ApplyAssets,
  Asset,
  AssetInput,
  AssetPartition,
  AssetPartitions,
  AssetsApplied,
  AssetsQuery,
  AssetSummary,
  AssetVersion,
  ChangePartitions,
  Materialisation,
  PartitionCounts,
  PartitionsChanged,
  PartitionsQuery,
  StaleReason,
} from '../../contracts/rest/assets.js'
import { ASSET_KINDS, MAX_ASSETS, MAX_ITEMS } from '../../domain/assets/definition.js'
import { STALENESS } from '../../domain/assets/staleness.js'
import { AnyProperty, FlagField, ListField, TextsField } from '../http/fields.js'
import { PageQueryDto } from '../http/paging.js'

/** Bytes: static partitions have many keys. */
export const MAX_ASSETS_BYTES = 4 * 2 ** 20
const REASONS = ['missing', 'code_changed', 'definition_changed', 'input_changed', 'input_stale'] as const
const PARTITIONS = ['time', 'static', 'dynamic'] as const

export class ApplyAssetsDto implements ApplyAssets {
  @ListField({ max: MAX_ASSETS, description: 'definitions of assets, each complete' }) assets!: unknown[]
  @FlagField({ optional: true, default: false, description: 'says what would change, and changes nothing' })
  dryRun?: boolean
}

class AppliedAssetDto implements AppliedAsset {
  @ApiProperty() name!: string
  @ApiProperty({ type: 'integer' }) version!: number
  @ApiProperty({ description: 'of the definition as canonical JSON' }) sha256!: string
  @ApiProperty({ description: 'false where this is the newest definition already' }) created!: boolean
}

export class AssetsAppliedDto implements AssetsApplied {
  @ApiProperty() dryRun!: boolean
  @ApiProperty({ type: [AppliedAssetDto] }) assets!: AppliedAssetDto[]
}

class AssetRefDto {
  @ApiProperty() asset!: string
  @ApiProperty() partition!: string
}

class StaleReasonDto implements StaleReason {
  @ApiProperty({ enum: REASONS }) code!: StaleReason['code']
  @ApiProperty({ description: 'of the asset; empty for one without partitions' }) partition!: string
  @ApiProperty() message!: string
  @ApiProperty({ type: AssetRefDto, nullable: true, description: 'that it is about' })
  input!: AssetRefDto | null
  @ApiProperty({ type: String, nullable: true }) from!: string | null
  @ApiProperty({ type: String, nullable: true }) to!: string | null
}

class PartitionCountsDto implements PartitionCounts {
  @ApiProperty({ type: 'integer' }) total!: number
  @ApiProperty({ type: 'integer' }) fresh!: number
  @ApiProperty({ type: 'integer' }) stale!: number
  @ApiProperty({ type: 'integer' }) missing!: number
}

export class AssetSummaryDto implements AssetSummary {
  @ApiProperty() name!: string
  @ApiProperty({ enum: ASSET_KINDS }) kind!: AssetSummary['kind']
  @ApiProperty({ type: String, nullable: true }) description!: string | null
  @ApiProperty({ type: 'integer', description: 'of its definition' }) version!: number
  @ApiProperty({ type: [String] }) needs!: string[]
  @ApiProperty({ type: String, nullable: true, description: 'that makes it' }) pipeline!: string | null
  @ApiProperty({ type: String, nullable: true, description: 'that a source observes' }) dataset!:
    string | null
  @ApiProperty({ enum: PARTITIONS, type: String, nullable: true }) partitions!: AssetSummary['partitions']
  @ApiProperty({ enum: STALENESS }) state!: AssetSummary['state']
  @ApiProperty({ type: PartitionCountsDto }) counts!: PartitionCountsDto
}

export class AssetDto extends AssetSummaryDto implements Asset {
  @AnyProperty('complete, as it is kept') definition!: unknown
  @ApiProperty({ type: [String] }) neededBy!: string[]
  @ApiProperty({ type: [StaleReasonDto], description: 'the first ones' }) reasons!: StaleReasonDto[]
  @ApiProperty({ type: String, nullable: true, description: 'of an asset without partitions' })
  dataSha256!: string | null
}

export class AssetVersionDto implements AssetVersion {
  @ApiProperty({ type: 'integer' }) version!: number
  @ApiProperty() sha256!: string
  @ApiProperty({ example: 'key:admin' }) principal!: string
  @ApiProperty({ format: 'date-time' }) createdAt!: string
  @AnyProperty('complete') definition!: unknown
}

export class AssetsQueryDto extends PageQueryDto implements AssetsQuery {
  @ApiPropertyOptional({ enum: ASSET_KINDS })
  @IsOptional()
  @IsIn(ASSET_KINDS)
  kind?: AssetSummary['kind']
  @ApiPropertyOptional({ enum: STALENESS })
  @IsOptional()
  @IsIn(STALENESS)
  state?: AssetSummary['state']
}

export class PartitionsQueryDto extends PageQueryDto implements PartitionsQuery {
  @ApiPropertyOptional({ enum: STALENESS })
  @IsOptional()
  @IsIn(STALENESS)
  state?: AssetSummary['state']
}

export class MaterialisationsQueryDto extends PageQueryDto {
  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @MaxLength(100)
  partition?: string
}

class AssetInputDto implements AssetInput {
  @ApiProperty() asset!: string
  @ApiProperty({ description: '`*` where it stands for several' }) partition!: string
  @ApiPropertyOptional({ type: 'integer', description: 'how many' }) count?: number
  @ApiProperty() dataSha256!: string
}

export class MaterialisationDto implements Materialisation {
  @ApiProperty() asset!: string
  @ApiProperty() partition!: string
  @ApiProperty({ type: 'integer' }) definitionVersion!: number
  @ApiProperty({ description: 'of the definition of its pipeline, and its parameters' }) codeSha256!: string
  @ApiProperty({ description: 'of what it gave' }) dataSha256!: string
  @ApiProperty({ type: [AssetInputDto] }) inputs!: AssetInputDto[]
  @ApiProperty({ format: 'uuid', description: 'run of the pipeline that has made it' }) runId!: string
  @ApiProperty({ format: 'uuid' }) backfillId!: string
  @ApiProperty({ format: 'date-time' }) at!: string
}

class AssetPartitionDto implements AssetPartition {
  @ApiProperty() key!: string
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) start!: string | null
  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'not in it' })
  end!: string | null
  @ApiProperty({ enum: STALENESS }) state!: AssetPartition['state']
  @ApiProperty({ type: [StaleReasonDto] }) reasons!: StaleReasonDto[]
  @ApiProperty({ type: MaterialisationDto, nullable: true, description: 'the newest' })
  materialisation!: MaterialisationDto | null
}

export class AssetPartitionsDto implements AssetPartitions {
  @ApiProperty({ type: PartitionCountsDto }) counts!: PartitionCountsDto
  @ApiProperty({ type: [AssetPartitionDto], description: 'the last ones first' }) items!: AssetPartitionDto[]
  @ApiPropertyOptional({ description: 'pass as `cursor` to go on; absent on the last page' })
  nextCursor?: string
}

export class ChangePartitionsDto implements ChangePartitions {
  @TextsField({ optional: true, min: 1, max: MAX_ITEMS }) add?: string[]
  @TextsField({ optional: true, min: 1, max: MAX_ITEMS }) remove?: string[]
}

export class PartitionsChangedDto implements PartitionsChanged {
  @ApiProperty() asset!: string
  @ApiProperty({ type: 'integer' }) added!: number
  @ApiProperty({ type: 'integer' }) removed!: number
  @ApiProperty({ type: 'integer', description: 'that there are now' }) total!: number
}
