import { ApiProperty } from '@nestjs/swagger'
import type { SuiteReference } from '../../contracts/rest/suites.js'

export class SuiteReferenceDto implements SuiteReference {
  @ApiProperty({ type: 'integer' }) version!: number
  @ApiProperty({ description: 'of the suite as canonical JSON (RFC 8785)' }) sha256!: string
}
