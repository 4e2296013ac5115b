import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import type {
  Arm,
  CreateDeployment,
  Deployment,
  DeploymentSummary,
  Following,
  Freeze,
  LabelsSummary,
  Plan,
  PredictionsSummary,
  Replica,
} from '../../contracts/rest/deployments.js'
import { AnyProperty, NameField } from '../http/fields.js'

const ROLES = ['stable', 'candidate', 'shadow'] as const satisfies readonly Arm['role'][]

export class CreateDeploymentDto implements CreateDeployment {
  @NameField({ example: 'bike-demand' }) name!: string
  @NameField({ description: 'model whose versions it serves', example: 'bike-demand' }) model!: string
}

class ArmDto implements Arm {
  @ApiProperty({ type: 'integer', example: 3 }) version!: number
  @ApiProperty({ enum: ROLES, description: 'shadow scores copies of rows and answers none' })
  role!: Arm['role']
  @ApiProperty({ type: 'integer', description: 'percent of keys that it answers', example: 10 })
  weight!: number
  @ApiPropertyOptional({ description: 'percent of keys whose rows a shadow scores too' }) sample?: number
}

export class PlanDto implements Plan {
  @ApiProperty({ type: 'integer', description: 'from 1, without gaps', example: 7 }) revision!: number
  @ApiProperty({
    type: [ArmDto],
    example: [
      { version: 2, role: 'stable', weight: 90 },
      { version: 3, role: 'candidate', weight: 10 },
    ],
  })
  arms!: ArmDto[]
  @ApiProperty({ description: 'why the traffic was changed', example: 'canary of version 3: 10 %' })
  reason!: string
  @ApiProperty({ format: 'uuid', description: 'rollout that issued it' }) rolloutId!: string
  @ApiProperty({ format: 'date-time' }) createdAt!: string
}

class ReplicaDto implements Replica {
  @ApiProperty({ format: 'uuid' }) id!: string
  @ApiProperty({ example: 'http://127.0.0.1:7100' }) address!: string
  @ApiProperty({ type: 'integer', description: 'of the plan that it answers by, 0 for none', example: 7 })
  revision!: number
  @ApiProperty({ type: String, nullable: true, description: 'why it does not answer by a newer one' })
  problem!: string | null
  @ApiProperty({ format: 'date-time' }) seenAt!: string
}

class PredictionsSummaryDto implements PredictionsSummary {
  @ApiProperty({ type: 'integer', description: 'ingested', example: 1460 }) rows!: number
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'event time of the newest ingested prediction',
  })
  until!: string | null
  @ApiProperty({
    type: 'integer',
    description: 'sealed segments that wait to be ingested, of all deployments of the project',
    example: 0,
  })
  waitingSegments!: number
}

class LabelsSummaryDto implements LabelsSummary {
  @ApiProperty({ type: 'integer', description: 'predictions that have one, ingested or not', example: 1436 })
  labels!: number
  @ApiProperty({ type: 'integer', description: 'how often a value was changed', example: 2 })
  corrections!: number
  @ApiProperty({ type: 'integer', description: 'whose prediction has not been found yet', example: 24 })
  held!: number
  @ApiProperty({
    type: 'integer',
    description: 'without a prediction for longer than the hold time (`labels.holdSeconds`)',
    example: 0,
  })
  unknown!: number
}

export class DeploymentSummaryDto implements DeploymentSummary {
  @ApiProperty({ example: 'bike-demand' }) name!: string
  @ApiProperty({ example: 'bike-demand' }) model!: string
  @ApiProperty({ example: 'key:admin' }) principal!: string
  @ApiProperty({ format: 'date-time' }) createdAt!: string
  @ApiProperty({ type: PlanDto, nullable: true, description: 'null until a first rollout has issued one' })
  plan!: PlanDto | null
}

class FreezeOfDeploymentDto implements Freeze {
  @ApiProperty({ format: 'date-time' }) from!: string
  @ApiProperty({ format: 'date-time' }) until!: string
  @ApiProperty() reason!: string
}

class FollowingDto implements Following {
  @ApiProperty({ example: 'champion' }) alias!: string
  @AnyProperty('as rollouts keep it') strategy!: unknown
}

export class DeploymentDto extends DeploymentSummaryDto implements Deployment {
  @ApiProperty({ type: [ReplicaDto], description: 'that have reported within the last ten seconds' })
  replicas!: ReplicaDto[]
  @ApiProperty({
    type: FreezeOfDeploymentDto,
    nullable: true,
    description: 'time in which no rollout goes forward',
  })
  freeze!: FreezeOfDeploymentDto | null
  @ApiProperty({ type: FollowingDto, nullable: true, description: 'alias whose moves start rollouts' })
  following!: FollowingDto | null
  @ApiProperty({ type: PredictionsSummaryDto }) predictions!: PredictionsSummaryDto
  @ApiProperty({ type: LabelsSummaryDto }) labels!: LabelsSummaryDto
}
