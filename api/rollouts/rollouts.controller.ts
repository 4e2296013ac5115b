import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Query, Res } from '@nestjs/common'
import { ApiAcceptedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import type { FastifyReply } from 'fastify'
import type { Page } from '../../contracts/rest/common.js'
import { Caller } from '../http/caller.js'
import { ApiIdempotencyKey, type Idempotency, IdempotencyKey } from '../http/idempotency.js'
import { ApiPage, PageQueryDto } from '../http/paging.js'
import { IdParam } from '../http/params.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { located } from '../runs/located.js'
import {
  FollowAliasDto,
  FreezeDto,
  RolloutDecisionDto,
  RolloutDryRunDto,
  RolloutDto,
  RolloutsQueryDto,
  RolloutSummaryDto,
  StartRolloutDto,
} from './rollouts.dto.js'
import { RolloutPlanner } from './rollout-planner.js'
import { RolloutsService } from './rollouts.service.js'

@ApiTags('rollouts')
@Needs('viewer')
@Controller('v1')
export class RolloutsController {
  constructor(
    @Inject(RolloutsService) private readonly service: RolloutsService,
    @Inject(RolloutPlanner) private readonly planner: RolloutPlanner,
  ) {}

  @Summary('Rolls a version out to a deployment', 'One at a time; accepted while Temporal is away too.')
  @Needs('operator')
  @Post('deployments/:name/rollouts')
  @HttpCode(202)
  @ApiIdempotencyKey()
  @ApiAcceptedResponse({ type: RolloutDto })
  @Problems(
    'invalid_request',
    'not_found',
    'strategy_invalid',
    'rollout_in_progress',
    'wrong_state',
    'idempotency_key_reused',
  )
  async startRollout(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: StartRolloutDto,
    @IdempotencyKey() idempotency: Idempotency | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RolloutDto> {
    return located(reply, await this.service.start(caller, name, body, idempotency))
  }

  @Summary('What a rollout would do, step by step, and nothing of it done')
  @Needs('operator')
  @Post('deployments/:name/rollouts/dry-run')
  @HttpCode(200)
  @ApiOkResponse({ type: RolloutDryRunDto })
  @Problems('invalid_request', 'not_found', 'strategy_invalid', 'wrong_state')
  dryRunRollout(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: StartRolloutDto,
  ): Promise<RolloutDryRunDto> {
    return this.planner.dryRun(caller, name, body)
  }

  @Summary('Keeps rollouts from going forward for a time', 'The way back stays open.')
  @Needs('operator')
  @Put('deployments/:name/freeze')
  @HttpCode(204)
  @ApiNoContentResponse()
  @Problems('invalid_request', 'not_found')
  freezeDeployment(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: FreezeDto,
  ): Promise<void> {
    return this.service.freeze(caller, name, body)
  }

  @Summary('Lifts the freeze of a deployment')
  @Needs('operator')
  @Delete('deployments/:name/freeze')
  @HttpCode(204)
  @ApiNoContentResponse()
  @Problems('not_found')
  unfreezeDeployment(@Caller() caller: Principal, @Param('name') name: string): Promise<void> {
    return this.service.freeze(caller, name, null)
  }

  @Summary(
    'Lets a deployment follow an alias of its model',
    'Each move of the alias starts one rollout, when no other is open. Moving it by hand changes no traffic otherwise.',
  )
  @Needs('operator')
  @Put('deployments/:name/following')
  @HttpCode(204)
  @ApiNoContentResponse()
  @Problems('invalid_request', 'not_found', 'strategy_invalid')
  followAlias(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: FollowAliasDto,
  ): Promise<void> {
    return this.service.follow(caller, name, body)
  }

  @Summary('Lets a deployment follow no alias any more', 'An open rollout goes on.')
  @Needs('operator')
  @Delete('deployments/:name/following')
  @HttpCode(204)
  @ApiNoContentResponse()
  @Problems('not_found')
  unfollowAlias(@Caller() caller: Principal, @Param('name') name: string): Promise<void> {
    return this.service.follow(caller, name, null)
  }

  @Summary('Rollouts')
  @Get('rollouts')
  @ApiPage(RolloutSummaryDto)
  @Problems('invalid_request')
  listRollouts(
    @Caller() caller: Principal,
    @Query() query: RolloutsQueryDto,
  ): Promise<Page<RolloutSummaryDto>> {
    return this.service.list(caller, query)
  }

  @Summary('One rollout, with what it waits for while it is open')
  @Get('rollouts/:id')
  @ApiOkResponse({ type: RolloutDto })
  @Problems('not_found')
  getRollout(@Caller() caller: Principal, @Param('id', IdParam) id: string): Promise<RolloutDto> {
    return this.service.get(caller, id)
  }

  @Summary('Decision log of a rollout: what was decided, from which evidence')
  @Get('rollouts/:id/decisions')
  @ApiPage(RolloutDecisionDto)
  @Problems('invalid_request', 'not_found')
  listRolloutDecisions(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Query() query: PageQueryDto,
  ): Promise<Page<RolloutDecisionDto>> {
    return this.service.decisions(caller, id, query)
  }
}
