import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { IsIn, IsOptional } from 'class-validator'
import type { Pool, PoolClaim, PutPool } from '../../contracts/rest/pools.js'
import { MAX_SLOTS } from '../../domain/pools/concurrency.js'
import { IntField, TextField } from '../http/fields.js'
import { PageQueryDto } from '../http/paging.js'

const STATES = ['held', 'queued'] as const

export class PutPoolDto implements PutPool {
  @IntField({ min: 0, max: MAX_SLOTS, description: '0 lets no step begin', example: 2 }) slots!: number
  @TextField({ optional: true, min: 1, max: 1000 }) description?: string
}

export class PoolDto implements Pool {
  @ApiProperty() name!: string
  @ApiProperty({ type: 'integer' }) slots!: number
  @ApiProperty({ type: String, nullable: true }) description!: string | null
  @ApiProperty({
    type: 'integer',
    description: 'slots that are taken; more than there are where the pool was made smaller',
  })
  held!: number
  @ApiProperty({ type: 'integer', description: 'steps that wait' }) queued!: number
  @ApiProperty({ format: 'date-time' }) createdAt!: string
  @ApiProperty({ format: 'date-time' }) updatedAt!: string
}

export class PoolClaimsQueryDto extends PageQueryDto {
  @ApiPropertyOptional({ enum: STATES, description: 'both where it is left out' })
  @IsOptional()
  @IsIn(STATES)
  state?: (typeof STATES)[number]
}

export class PoolClaimDto implements PoolClaim {
  @ApiProperty({ enum: STATES }) state!: (typeof STATES)[number]
  @ApiProperty({ format: 'uuid' }) run!: string
  @ApiProperty() step!: string
  @ApiProperty({ type: 'integer' }) generation!: number
  @ApiProperty({ type: 'integer' }) slots!: number
  @ApiProperty({ type: 'integer', description: '1 comes first, 5 last' }) priority!: number
  @ApiProperty({ type: 'integer', nullable: true, description: 'of those that wait, from 1' })
  position!: number | null
  @ApiProperty({ description: 'its run is paused: it keeps its place, and others go before it' })
  parked!: boolean
  @ApiProperty({ format: 'date-time' }) askedAt!: string
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) grantedAt!: string | null
}
