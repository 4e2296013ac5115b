import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { Type as Converted } from 'class-transformer'
import { IsIn, IsInt, IsOptional, Max, Min } from 'class-validator'
import type {
  Lineage,
  LineageEdge,
  LineageEvent,
  LineageEventState,
  LineageNode,
  LineageNodeKind,
} from '../../contracts/rest/lineage.js'
import type { LineageDirection } from '../../domain/lineage/walk.js'
import { PageQueryDto } from '../http/paging.js'

export const DEPTH = 6
export const LIMIT = 500

const DIRECTIONS = ['upstream', 'downstream', 'both'] as const satisfies readonly LineageDirection[]
const KINDS = ['dataset', 'model', 'transformation', 'window', 'deployment', 'report', 'run'] as const

export class LineageQueryDto {
  @ApiPropertyOptional({
    enum: DIRECTIONS,
    default: 'both',
    description: 'what it was made from, what was made of it, or both',
  })
  @IsOptional()
  @IsIn(DIRECTIONS)
  direction?: LineageDirection

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: 100,
    default: DEPTH,
    description: 'edges from the node at most',
  })
  @IsOptional()
  @Converted(() => Number)
  @IsInt()
  @Min(1)
  @Max(100)
  depth?: number

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: 2000,
    default: LIMIT,
    description: 'nodes at most, the nearest',
  })
  @IsOptional()
  @Converted(() => Number)
  @IsInt()
  @Min(1)
  @Max(2000)
  limit?: number
}

export class LineageRunDto {
  @ApiProperty({ format: 'uuid' }) id!: string
  @ApiProperty() kind!: string
  @ApiProperty() status!: string
}

export class LineageNodeDto implements LineageNode {
  @ApiProperty({ example: 'dataset:bike@3' }) id!: string
  @ApiProperty({ enum: KINDS }) kind!: LineageNodeKind
  @ApiProperty({ type: String, nullable: true }) name!: string | null
  @ApiProperty({ type: 'integer', nullable: true }) version!: number | null
  @ApiProperty({ type: String, nullable: true }) window!: string | null
  @ApiProperty({ type: LineageRunDto, nullable: true }) run!: LineageRunDto | null
  @ApiProperty({ type: 'integer', description: 'edges from the node that was asked for' }) distance!: number
}

export class LineageEdgeDto implements LineageEdge {
  @ApiProperty() from!: string
  @ApiProperty() to!: string
  @ApiProperty({
    type: String,
    nullable: true,
    description: 'of the run, which is one of the two; null where one run has started the other',
  })
  step!: string | null
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  details!: Record<string, unknown> | null
  @ApiProperty({ format: 'date-time' }) at!: string
}

export class LineageDto implements Lineage {
  @ApiProperty({ type: [LineageNodeDto] }) nodes!: LineageNodeDto[]
  @ApiProperty({ type: [LineageEdgeDto] }) edges!: LineageEdgeDto[]
  @ApiProperty({ description: 'there is more than depth or limit let in' }) truncated!: boolean
}

const EVENT_STATES = ['owed', 'sent', 'refused'] as const

export class LineageEventsQueryDto extends PageQueryDto {
  @ApiPropertyOptional({ enum: EVENT_STATES })
  @IsOptional()
  @IsIn(EVENT_STATES)
  state?: LineageEventState
}

export class LineageEventDto implements LineageEvent {
  @ApiProperty({ format: 'uuid' }) run!: string
  @ApiProperty({ type: 'integer' }) attempt!: number
  @ApiProperty({ enum: ['START', 'COMPLETE', 'FAIL', 'ABORT'] }) type!: LineageEvent['type']
  @ApiProperty({ format: 'date-time' }) at!: string
  @ApiProperty({ enum: EVENT_STATES, description: 'refused is what the receiver says it will never take' })
  state!: LineageEventState
  @ApiProperty({ type: 'integer' }) tries!: number
  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'when it is sent again' })
  dueAt!: string | null
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) sentAt!: string | null
  @ApiProperty({ type: String, nullable: true, description: 'what went wrong the last time' })
  error!: string | null
}
