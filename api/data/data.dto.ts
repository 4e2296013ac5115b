import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { Type } from 'class-transformer'
import { ValidateIf } from 'class-validator'
import type {
  AskChunks,
  DataChange,
  DataFile,
  DataPull,
  DataPush,
  DataRef,
  MissingChunks,
  MoveRef,
  OfferPack,
  PackUpload,
  PullProgress,
  PushProgress,
  ReadChunks,
  ReceivedPack,
  StartPull,
  StartPush,
} from '../../contracts/rest/data.js'
import { AUTHOR_CHARACTERS, MESSAGE_CHARACTERS } from '../../domain/data/commit.js'
import { MAX_PACK_BYTES } from '../../domain/data/pack.js'
import { parseSelector, SELECTOR_RULE } from '../../domain/data/selector.js'
import { CodeStateDto } from '../datasets/datasets.dto.js'
import { FlagField, IntField, NameField, ObjectField, satisfies, TextField } from '../http/fields.js'
import { OperationDto } from '../runs/operation.dto.js'

const HASH = /^[0-9a-f]{64}$/
const MAX_CHUNKS_ASKED = 20_000
/** Paths of a version are in memory together when it is checked. */
const MAX_FILES = 5_000_000
/** Of a body that asks for so many chunks. */
export const MAX_CHUNKS_BYTES = MAX_CHUNKS_ASKED * 70

/** SHA-256 in hex. */
const HashField = (description: string) =>
  function (target: object, property: string): void {
    TextField({ min: 64, max: 64, description })(target, property)
    satisfies(value =>
      typeof value === 'string' && HASH.test(value)
        ? []
        : [{ at: '', message: 'Must be a SHA-256 in 64 hexadecimal digits (lower case).' }],
    )(target, property)
  }

const MAX_NUMBER = 999_999_999

export class StartPushDto implements StartPush {
  @NameField({ optional: true, description: 'that it is for', default: 'main' }) branch?: string
  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'version that it was made from; null for the first one',
  })
  @ValidateIf((body: StartPushDto) => body.base !== null)
  @IntField({ min: 1, max: MAX_NUMBER })
  base!: number | null
  @HashField('root of its files') manifest!: string
  @IntField({ min: 0, max: MAX_FILES }) files!: number
  @IntField({ min: 0, max: Number.MAX_SAFE_INTEGER }) bytes!: number
  @TextField({ optional: true, max: MESSAGE_CHARACTERS }) message?: string
  @TextField({ optional: true, min: 1, max: AUTHOR_CHARACTERS }) author?: string
  @ObjectField(() => CodeStateDto, {
    optional: true,
    description: 'where the code stood that made the files',
  })
  code?: CodeStateDto
  @FlagField({
    optional: true,
    default: false,
    description: 'sends again what was lost of `base`, whose files these are; no version is made',
  })
  restore?: boolean
}

class ReceivedDto {
  @ApiProperty({ type: 'integer' }) packs!: number
  @ApiProperty({ type: 'integer' }) bytes!: number
  @ApiProperty({ type: 'integer', description: 'whole ones, as the client has said; all once it is sealed' })
  files!: number
}

export class DataPushDto extends OperationDto implements DataPush {
  @ApiProperty() dataset!: string
  @ApiProperty() branch!: string
  @ApiProperty({ type: 'integer', nullable: true }) base!: number | null
  @ApiProperty() manifest!: string
  @ApiProperty({ type: 'integer' }) files!: number
  @ApiProperty({ type: 'integer' }) bytes!: number
  @ApiProperty({ type: ReceivedDto, description: 'what has come so far' }) received!: ReceivedDto
  @ApiProperty({ description: 'true: nothing more is taken' }) sealed!: boolean
  @ApiProperty({ format: 'date-time', description: 'until when it waits for more' }) expiresAt!: string
  @ApiProperty({ type: 'integer', nullable: true }) version!: number | null
  @ApiProperty({ type: Boolean, nullable: true, description: 'false: the branch had this content already' })
  created!: boolean | null
}

export class AskChunksDto implements AskChunks {
  @ApiProperty({ type: [String], maxItems: MAX_CHUNKS_ASKED, description: 'SHA-256 each' })
  @satisfies(value => {
    const good =
      Array.isArray(value) &&
      value.length <= MAX_CHUNKS_ASKED &&
      value.every(each => typeof each === 'string' && HASH.test(each))
    return good ? [] : [{ at: '', message: `Must be a list of at most ${MAX_CHUNKS_ASKED} SHA-256 in hex.` }]
  })
  chunks!: string[]
}

export class ReadChunksDto extends AskChunksDto implements ReadChunks {
  @FlagField({
    optional: true,
    description:
      'true: each is verified, and read from another pack where it is damaged; for what came damaged',
  })
  whole?: boolean
}

export class MissingChunksDto implements MissingChunks {
  @ApiProperty({ type: [String] }) missing!: string[]
}

export class OfferPackDto implements OfferPack {
  @HashField('of the pack') sha256!: string
  @IntField({ min: 1, max: MAX_PACK_BYTES }) bytes!: number
}

class PutRequestDto {
  @ApiProperty({ description: 'PUT the pack there' }) url!: string
  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'string' },
    description: 'to be sent as they are',
  })
  headers!: Record<string, string>
}

export class PackUploadDto implements PackUpload {
  @ApiProperty({
    type: PutRequestDto,
    nullable: true,
    description: 'null: the object store takes no requests, send the pack to this API',
  })
  upload!: PutRequestDto | null
}

export class ReceivedPackDto implements ReceivedPack {
  @ApiProperty() sha256!: string
  @ApiProperty({ type: 'integer' }) bytes!: number
  @ApiProperty({ type: 'integer' }) chunks!: number
}

export class ContentDto {
  @ApiPropertyOptional({ description: 'its only chunk' }) chunk?: string
  @ApiPropertyOptional({ description: 'the node that lists its chunks' }) list?: string
}

export class DataFileDto implements DataFile {
  @ApiProperty({ example: 'images/0001.png' }) path!: string
  @ApiProperty({ type: 'integer' }) bytes!: number
  @ApiProperty() executable!: boolean
  @ApiProperty({ type: ContentDto, nullable: true, description: 'null: it is empty' })
  content!: ContentDto | null
}

export class DataChangeDto implements DataChange {
  @ApiProperty({ enum: ['added', 'removed', 'changed'] }) change!: DataChange['change']
  @ApiProperty() path!: string
  @ApiProperty({ type: DataFileDto, nullable: true }) from!: DataFileDto | null
  @ApiProperty({ type: DataFileDto, nullable: true }) to!: DataFileDto | null
}

/** Lists of files go on behind a path. */
export class FilesQueryDto {
  @TextField({ optional: true, max: 1024, description: 'the last path of the page before' }) after?: string
  @Type(() => Number)
  @IntField({ optional: true, min: 1, max: 10_000, default: 1000 })
  limit?: number
}

export class FileQueryDto {
  @TextField({ min: 1, max: 1024, example: 'images/0001.png' }) path!: string
}

export class DiffQueryDto extends FilesQueryDto {
  @TextField({ max: 200, description: SELECTOR_RULE }) from!: string
  @TextField({ max: 200, description: SELECTOR_RULE }) to!: string
}

export class DataRefDto implements DataRef {
  @ApiProperty({ enum: ['branch', 'tag'] }) kind!: DataRef['kind']
  @ApiProperty() name!: string
  @ApiProperty({ type: 'integer' }) version!: number
  @ApiProperty({ format: 'date-time' }) updatedAt!: string
  @ApiProperty({ description: 'who has moved it last' }) principal!: string
}

export class MoveRefDto implements MoveRef {
  @IntField({ min: 1, max: MAX_NUMBER, description: 'where it is to point' }) version!: number
  @ApiPropertyOptional({
    type: 'integer',
    nullable: true,
    description: 'where it must point still, null for nowhere; refused with branch_moved where it does not',
  })
  @ValidateIf((body: MoveRefDto) => body.expected !== null && body.expected !== undefined)
  @IntField({ min: 1, max: MAX_NUMBER, optional: true })
  expected?: number | null
}

export class StartPullDto implements StartPull {
  @TextField({ max: 200, description: SELECTOR_RULE })
  @satisfies(value =>
    typeof value === 'string' && parseSelector(value) !== null
      ? []
      : [{ at: '', message: `It selects no version: give ${SELECTOR_RULE}.` }],
  )
  version!: string
}

class ReadDto {
  @ApiProperty({ type: 'integer' }) files!: number
  @ApiProperty({ type: 'integer' }) bytes!: number
}

export class DataPullDto extends OperationDto implements DataPull {
  @ApiProperty() dataset!: string
  @ApiProperty({ type: 'integer' }) version!: number
  @ApiProperty() manifest!: string
  @ApiProperty({ type: 'integer' }) files!: number
  @ApiProperty({ type: 'integer' }) bytes!: number
  @ApiProperty({ type: ReadDto, description: 'what the reader has said to have' }) received!: ReadDto
  @ApiProperty({ format: 'date-time' }) expiresAt!: string
}

export class PushProgressDto implements PushProgress {
  @IntField({ min: 0, max: MAX_FILES, description: 'of which all was sent, or was there' }) files!: number
}

export class PullProgressDto implements PullProgress {
  @IntField({ min: 0, max: MAX_FILES }) files!: number
  @IntField({ min: 0, max: Number.MAX_SAFE_INTEGER }) bytes!: number
  @FlagField({ description: 'true once everything is there' }) done!: boolean
}
