import { ApiProperty } from '@nestjs/swagger'
import { Matches } from 'class-validator'
import type { Upload } from '../../contracts/rest/uploads.js'
import { TextField } from '../http/fields.js'

export class UploadQueryDto {
  @TextField({
    optional: true,
    min: 1,
    max: 255,
    description: 'kept with the upload, for people',
    example: 'day.csv',
  })
  @Matches(/^[^/\\\p{Cc}]*$/u, { message: 'fileName is a name without a path or control characters' })
  fileName?: string
}

export class UploadDto implements Upload {
  @ApiProperty({ format: 'uuid' }) id!: string
  @ApiProperty({ type: String, nullable: true }) fileName!: string | null
  @ApiProperty() sha256!: string
  @ApiProperty({ type: 'integer' }) bytes!: number
  @ApiProperty({ description: 'found in the header', example: ',' }) delimiter!: string
  @ApiProperty({ type: [String] }) columns!: string[]
  @ApiProperty({ type: 'integer' }) rows!: number
  @ApiProperty({ format: 'date-time' }) createdAt!: string
}
