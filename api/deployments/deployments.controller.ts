import { Body, Controller, Get, Inject, Param, Post, Query, Res } from '@nestjs/common'
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import type { FastifyReply } from 'fastify'
import type { Page } from '../../contracts/rest/common.js'
import { Caller } from '../http/caller.js'
import { ApiPage, PageQueryDto } from '../http/paging.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { CreateDeploymentDto, DeploymentDto, DeploymentSummaryDto, PlanDto } from './deployments.dto.js'
import { DeploymentsService } from './deployments.service.js'

@ApiTags('deployments')
@Needs('viewer')
@Controller('v1/deployments')
export class DeploymentsController {
  constructor(@Inject(DeploymentsService) private readonly service: DeploymentsService) {}

  @Summary(
    'Creates a deployment',
    'It has no traffic before its first rollout. The same name and model again are the same deployment.',
  )
  @Needs('operator')
  @Post()
  @ApiCreatedResponse({ type: DeploymentDto })
  @Problems('invalid_request', 'not_found', 'already_exists')
  async createDeployment(
    @Caller() caller: Principal,
    @Body() body: CreateDeploymentDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DeploymentDto> {
    void reply.header('location', `/v1/deployments/${body.name}`)
    return this.service.create(caller, body)
  }

  @Summary('Deployments')
  @Get()
  @ApiPage(DeploymentSummaryDto)
  @Problems('invalid_request')
  listDeployments(
    @Caller() caller: Principal,
    @Query() query: PageQueryDto,
  ): Promise<Page<DeploymentSummaryDto>> {
    return this.service.list(caller, query)
  }

  @Summary('One deployment: its plan in force, its replicas, what it has predicted and what came of it')
  @Get(':name')
  @ApiOkResponse({ type: DeploymentDto })
  @Problems('not_found')
  getDeployment(@Caller() caller: Principal, @Param('name') name: string): Promise<DeploymentDto> {
    return this.service.get(caller, name)
  }

  @Summary('How the traffic was split, when and why', 'Rollouts alone issue plans.')
  @Get(':name/plans')
  @ApiPage(PlanDto)
  @Problems('invalid_request', 'not_found')
  listPlans(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query() query: PageQueryDto,
  ): Promise<Page<PlanDto>> {
    return this.service.plans(caller, name, query)
  }
}
