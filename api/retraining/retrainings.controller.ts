import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common'
import { ApiAcceptedResponse, ApiTags } from '@nestjs/swagger'
import type { FastifyReply } from 'fastify'
import type { Page } from '../../contracts/rest/common.js'
import { Caller } from '../http/caller.js'
import { ApiIdempotencyKey, type Idempotency, IdempotencyKey } from '../http/idempotency.js'
import { ApiPage, PageQueryDto } from '../http/paging.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { located } from '../runs/located.js'
import { RetrainingRunDto, StartRetrainingDto } from './retrainings.dto.js'
import { RetrainingsService } from './retrainings.service.js'

@ApiTags('retraining')
@Needs('viewer')
@Controller('v1/deployments/:name/retrainings')
export class RetrainingsController {
  constructor(@Inject(RetrainingsService) private readonly service: RetrainingsService) {}

  @Summary(
    'Retrains a deployment without an incident',
    'By its retraining policy: a set of data, a training against the champion, a rollout. Nothing is done without new labelled predictions, and while an incident of the deployment is open.',
  )
  @Needs('operator')
  @Post()
  @HttpCode(202)
  @ApiIdempotencyKey()
  @ApiAcceptedResponse({ type: RetrainingRunDto })
  @Problems('invalid_request', 'not_found', 'wrong_state', 'idempotency_key_reused')
  async startRetraining(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: StartRetrainingDto,
    @IdempotencyKey() idempotency: Idempotency | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RetrainingRunDto> {
    return located(reply, await this.service.start(caller, name, body, idempotency))
  }

  @Summary('Retrainings of a deployment', 'Those that incidents do are at the incidents.')
  @Get()
  @ApiPage(RetrainingRunDto)
  @Problems('invalid_request', 'not_found')
  listRetrainings(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query() query: PageQueryDto,
  ): Promise<Page<RetrainingRunDto>> {
    return this.service.list(caller, name, query)
  }
}
