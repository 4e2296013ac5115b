import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { IsIn, IsISO8601, IsOptional, IsString, Matches } from 'class-validator'
import type { CreatedKey, CreateKey, Key } from '../../contracts/rest/keys.js'
import { NAME_PATTERN, NAME_RULE } from '../../domain/names.js'
import { ROLES } from '../../stores/postgres/entities/api-key.js'

type RoleName = Key['role']

export class CreateKeyDto implements CreateKey {
  @ApiProperty({ pattern: NAME_PATTERN.source, example: 'nightly-ci' })
  @IsString()
  @Matches(NAME_PATTERN, { message: `name: ${NAME_RULE}` })
  name!: string

  @ApiProperty({
    enum: ROLES,
    description: 'viewer reads, operator starts and steers work, admin holds keys',
  })
  @IsIn(ROLES)
  role!: RoleName

  @ApiPropertyOptional({ format: 'date-time', description: 'without it the key does not expire' })
  @IsOptional()
  @IsISO8601({ strict: true, strictSeparator: true })
  expiresAt?: string
}

export class KeyDto implements Key {
  @ApiProperty({ format: 'uuid' }) id!: string
  @ApiProperty() name!: string
  @ApiProperty({ enum: ROLES }) role!: RoleName
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) expiresAt!: string | null
  @ApiProperty({ format: 'date-time' }) createdAt!: string
}

export class CreatedKeyDto extends KeyDto implements CreatedKey {
  @ApiProperty({ description: 'the key itself, shown this once' }) key!: string
}
