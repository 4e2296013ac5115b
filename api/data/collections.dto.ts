import { ApiProperty } from '@nestjs/swagger'
import { ValidateIf } from 'class-validator'
import type {
  CollectionPlan,
  DataCollection,
  DatasetRetention,
  DataVerification,
  PurgedVersion,
  PurgeVersion,
  RemovedPacks,
  Retention,
  SetRetention,
  StartCollection,
  StartVerification,
  VerificationFound,
  VerificationReport,
} from '../../contracts/rest/data-collection.js'
import { SELECTOR_RULE } from '../../domain/data/selector.js'
import {
  FlagField,
  IntField,
  NameField,
  NumberField,
  ObjectField,
  satisfies,
  TextField,
} from '../http/fields.js'
import { OperationDto } from '../runs/operation.dto.js'

const MAX_DAYS = 36_500

export class StartCollectionDto implements StartCollection {
  @FlagField({ optional: true, default: false, description: 'true: what is planned is removed at once' })
  execute?: boolean
}

export class CollectionPlanDto implements CollectionPlan {
  @ApiProperty({ type: 'integer', description: 'versions that retention retires' }) versions!: number
  @ApiProperty({ type: 'integer', description: 'packs that nothing needs' }) packs!: number
  @ApiProperty({ type: 'integer' }) packBytes!: number
  @ApiProperty({ type: 'integer', description: 'packs of which little is needed: that is written anew' })
  repacks!: number
  @ApiProperty({ type: 'integer' }) repackBytes!: number
  @ApiProperty({ type: 'integer', description: 'what of them is needed' }) repackLiveBytes!: number
  @ApiProperty({ type: 'integer', description: 'objects that no pack is' }) unknownObjects!: number
  @ApiProperty({ type: 'integer', description: 'objects of tables that nothing needs' }) tableObjects!: number
  @ApiProperty({ type: 'integer' }) tableBytes!: number
}

class RemovedPacksDto implements RemovedPacks {
  @ApiProperty({ type: 'integer' }) packs!: number
  @ApiProperty({ type: 'integer' }) bytes!: number
  @ApiProperty({ type: 'integer', description: 'planned packs that somebody has used meanwhile, or holds' })
  kept!: number
}

export class DataCollectionDto extends OperationDto implements DataCollection {
  @ApiProperty() executes!: boolean
  @ApiProperty({ type: CollectionPlanDto, nullable: true }) plan!: CollectionPlanDto | null
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) plannedAt!: string | null
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'until when the plan may be executed; null where it cannot be',
  })
  executableUntil!: string | null
  @ApiProperty({ type: String, nullable: true, description: 'the collection whose plan it executes' })
  planId!: string | null
  @ApiProperty({ type: String, nullable: true, description: 'the collection that executes its plan' })
  executedBy!: string | null
  @ApiProperty({ type: RemovedPacksDto, nullable: true }) removed!: RemovedPacksDto | null
}

export class StartVerificationDto implements StartVerification {
  @NameField({ optional: true, description: 'all where left out' }) dataset?: string
  @TextField({ optional: true, max: 200, description: `${SELECTOR_RULE}; all that are kept where left out` })
  version?: string
}

class VerificationFoundDto implements VerificationFound {
  @ApiProperty({ type: 'integer' }) packs!: number
  @ApiProperty({ type: 'integer' }) bytes!: number
  @ApiProperty({ type: 'integer', description: 'commits, records of branches and tags, and tables' })
  objects!: number
  @ApiProperty({ type: 'integer' }) damagedPacks!: number
  @ApiProperty({ type: 'integer' }) damagedObjects!: number
  @ApiProperty({ type: 'integer', description: 'of these those that could not be written again' })
  lostObjects!: number
  @ApiProperty({ type: 'integer', description: 'chunks that are in no pack any more' }) lostChunks!: number
  @ApiProperty({ type: 'integer' }) damagedFiles!: number
}

export class DataVerificationDto extends OperationDto implements DataVerification {
  @ApiProperty({ type: String, nullable: true }) dataset!: string | null
  @ApiProperty({ type: 'integer', nullable: true }) version!: number | null
  @ApiProperty({ type: VerificationFoundDto, nullable: true }) found!: VerificationFoundDto | null
}

class DamagedObjectDto {
  @ApiProperty() what!: string
  @ApiProperty() uri!: string
  @ApiProperty({ description: 'true: it was written again' }) healed!: boolean
}

class DamagedFileDto {
  @ApiProperty() dataset!: string
  @ApiProperty({ type: 'integer' }) version!: number
  @ApiProperty({ description: 'behind `…`: all files up to this one' }) path!: string
  @ApiProperty({ description: 'the first chunk of it that is in no pack' }) chunk!: string
}

export class VerificationReportDto implements VerificationReport {
  @ApiProperty({ type: 'integer' }) packs!: number
  @ApiProperty({ type: 'integer' }) bytes!: number
  @ApiProperty({ type: 'integer' }) objects!: number
  @ApiProperty({ type: 'integer' }) damagedPacks!: number
  @ApiProperty({ type: [DamagedObjectDto] }) damagedObjects!: DamagedObjectDto[]
  @ApiProperty({ type: 'integer' }) lostChunks!: number
  @ApiProperty({ type: [DamagedFileDto] }) files!: DamagedFileDto[]
  @ApiProperty({ description: 'false where more is damaged than is listed' }) complete!: boolean
}

export class RetentionDto implements Retention {
  @IntField({ min: 1, max: 1_000_000, description: 'the newest so many of each branch' }) keepLast!: number
  @NumberField({ min: 0, description: 'those that were made within so many days' })
  @satisfies(value =>
    typeof value === 'number' && value <= MAX_DAYS
      ? []
      : [{ at: '', message: `Must be at most ${MAX_DAYS}.` }],
  )
  keepDays!: number
  @FlagField({ optional: true, default: true, description: 'those that a tag points at: always' })
  @satisfies(value =>
    value === true
      ? []
      : [{ at: '', message: 'Must be true: what a tag points at is kept. Remove the tag.' }],
  )
  keepTagged?: true
}

export class SetRetentionDto implements SetRetention {
  @ValidateIf((body: SetRetentionDto) => body.retention !== null)
  @ObjectField(() => RetentionDto, { description: 'null: every version is kept' })
  retention!: RetentionDto | null
}

export class DatasetRetentionDto implements DatasetRetention {
  @ApiProperty({ type: RetentionDto, nullable: true }) retention!: RetentionDto | null
}

export class PurgeVersionDto implements PurgeVersion {
  @TextField({ min: 3, max: 2000, example: 'erasure asked for by the person in image 17' }) reason!: string
}

export class PurgedVersionDto implements PurgedVersion {
  @ApiProperty() dataset!: string
  @ApiProperty({ type: 'integer' }) version!: number
  @ApiProperty({ format: 'date-time' }) retiredAt!: string
  @ApiProperty() by!: string
  @ApiProperty() reason!: string
}
