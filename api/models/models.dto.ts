import { ApiProperty } from '@nestjs/swagger'
import type { Alias, AliasChange, Model, ModelVersion, SetAlias } from '../../contracts/rest/models.js'
import { AnyProperty, IntField, TextField } from '../http/fields.js'
import { ArtifactDto } from '../runs/operation.dto.js'
import { GateDto, MetricsSetDto } from '../trainings/trainings.dto.js'

export class ModelDto implements Model {
  @ApiProperty() name!: string
  @ApiProperty({ type: 'integer' }) latestVersion!: number
  @ApiProperty({ type: 'object', additionalProperties: { type: 'integer' }, example: { champion: 3 } })
  aliases!: Record<string, number>
  @ApiProperty({ format: 'date-time' }) createdAt!: string
}

class ParityDto {
  @ApiProperty({ type: 'integer' }) rows!: number
  @ApiProperty({ type: Number, nullable: true }) maxDifference!: number | null
  @ApiProperty({ type: 'integer', nullable: true }) worstRow!: number | null
  @ApiProperty() tolerance!: number
  @ApiProperty() passed!: boolean
}

const OF_A_FILE = 'null for a version that a pipeline has registered of a file'

export class ModelVersionDto implements ModelVersion {
  @ApiProperty() model!: string
  @ApiProperty({ type: 'integer' }) version!: number
  @ApiProperty({ example: 'xgboost' }) engine!: string
  @ApiProperty({ description: "SHA-256 of the engine's own model file: the evaluated bytes" }) sha256!: string
  @ApiProperty({ type: [String] }) aliases!: string[]
  @AnyProperty('inputs, output, clipping') signature!: unknown
  @ApiProperty({ type: MetricsSetDto, nullable: true, description: `of held-out rows; ${OF_A_FILE}` })
  metrics!: MetricsSetDto | null
  @ApiProperty({ type: GateDto, nullable: true, description: OF_A_FILE }) gate!: GateDto | null
  @ApiProperty({
    type: ParityDto,
    nullable: true,
    description: `ONNX against the engine, on every held-out row; ${OF_A_FILE}`,
  })
  parity!: ParityDto | null
  @AnyProperty('what it was made from: data, code, parameters, engine') lineage!: unknown
  @ApiProperty({ format: 'uuid' }) runId!: string
  @ApiProperty({ format: 'date-time' }) createdAt!: string
  @ApiProperty({ type: [ArtifactDto] }) artifacts!: ArtifactDto[]
}

export class SetAliasDto implements SetAlias {
  @IntField({ min: 1, max: 2 ** 31 - 1 }) version!: number
  @TextField({ min: 1, max: 1000, description: "why; kept in the alias's history" }) reason!: string
}

export class RemoveAliasQueryDto {
  @TextField({ min: 1, max: 1000, description: "why; kept in the alias's history" }) reason!: string
}

export class AliasDto implements Alias {
  @ApiProperty() alias!: string
  @ApiProperty({ type: 'integer' }) version!: number
  @ApiProperty({ format: 'date-time' }) updatedAt!: string
}

export class AliasChangeDto implements AliasChange {
  @ApiProperty() alias!: string
  @ApiProperty({ type: 'integer', nullable: true }) fromVersion!: number | null
  @ApiProperty({ type: 'integer', nullable: true }) toVersion!: number | null
  @ApiProperty({ example: 'key:admin' }) principal!: string
  @ApiProperty() reason!: string
  @ApiProperty({ format: 'date-time' }) at!: string
}
