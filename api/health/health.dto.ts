import { ApiProperty } from '@nestjs/swagger'

export class AliveDto {
  @ApiProperty({ enum: ['alive'] }) status!: 'alive'
}

export class ReadyDto {
  @ApiProperty({ enum: ['ready'] }) status!: 'ready'
}

export class HealthDto {
  @ApiProperty({
    enum: ['ok', 'degraded', 'down'],
    description: '`degraded`: Temporal or Redis is away; work is accepted and begins later',
  })
  status!: 'ok' | 'degraded' | 'down'

  @ApiProperty({
    type: 'object',
    additionalProperties: {
      type: 'object',
      properties: { status: { type: 'string', enum: ['up', 'down'] }, message: { type: 'string' } },
      required: ['status'],
    },
    example: { postgres: { status: 'up' }, redis: { status: 'down', message: 'Connection is closed.' } },
  })
  parts!: Record<string, { status: 'up' | 'down'; message?: string }>
}
