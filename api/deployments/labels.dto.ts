import { ApiProperty } from '@nestjs/swagger'
import type {
  LabelHistory,
  LabelRevision,
  LabelsAccepted,
  NewLabel,
  SendLabels,
  UnknownLabel,
} from '../../contracts/rest/deployments.js'
import { satisfies } from '../http/fields.js'
import { labelProblems, MAX_ID_LENGTH, MAX_LABELS } from './label-problems.js'

/** Checked by `labelProblems`: ten thousand of them must not take a class-validator each. */
class NewLabelDto implements NewLabel {
  @ApiProperty({ minLength: 1, maxLength: MAX_ID_LENGTH, example: 'bike-8646' }) predictionId!: string
  @ApiProperty({ example: 142 }) value!: number
  @ApiProperty({
    format: 'date-time',
    description: 'when it became known, with an offset',
    example: '2012-01-02T13:00:00Z',
  })
  at!: string
}

export class SendLabelsDto implements SendLabels {
  @ApiProperty({
    type: [NewLabelDto],
    minItems: 1,
    maxItems: MAX_LABELS,
    description: 'a prediction may be named twice with the same value only',
  })
  @satisfies(labels => labelProblems(labels, Date.now()))
  labels!: NewLabelDto[]
}

export class LabelsAcceptedDto implements LabelsAccepted {
  @ApiProperty({ type: 'integer', description: 'of predictions that had none', example: 24 }) added!: number
  @ApiProperty({ type: 'integer', description: 'that change a value; the former one is kept', example: 1 })
  corrected!: number
  @ApiProperty({ type: 'integer', description: 'whose value held already', example: 0 }) unchanged!: number
}

class LabelRevisionDto implements LabelRevision {
  @ApiProperty({ type: 'integer', description: 'from 0', example: 1 }) revision!: number
  @ApiProperty({ example: 142 }) value!: number
  @ApiProperty({ format: 'date-time', description: 'when it became known, as its sender says' }) at!: string
  @ApiProperty({ format: 'date-time' }) receivedAt!: string
  @ApiProperty({ example: 'key:admin' }) principal!: string
}

export class LabelHistoryDto implements LabelHistory {
  @ApiProperty({ example: 'bike-8646' }) predictionId!: string
  @ApiProperty({
    enum: ['held', 'matched', 'unknown'] satisfies LabelHistory['state'][],
    description: 'held: its prediction has not been found yet; unknown: nor within the hold time',
  })
  state!: LabelHistory['state']
  @ApiProperty({ type: [LabelRevisionDto], description: 'first to last; the last one holds' })
  values!: LabelRevisionDto[]
}

export class UnknownLabelDto implements UnknownLabel {
  @ApiProperty({ example: 'bike-86460' }) predictionId!: string
  @ApiProperty({ description: 'that holds', example: 142 }) value!: number
  @ApiProperty({ format: 'date-time', description: 'when it became known, as its sender says' }) at!: string
  @ApiProperty({ format: 'date-time', description: 'when the first value came' }) receivedAt!: string
  @ApiProperty({ format: 'date-time' }) reportedAt!: string
}
