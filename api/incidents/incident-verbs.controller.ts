import { Body, Controller, HttpCode, Inject, Param, Post } from '@nestjs/common'
import { ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { Caller } from '../http/caller.js'
import { ApiIdempotencyKey, type Idempotency, IdempotencyKey } from '../http/idempotency.js'
import { IdParam } from '../http/params.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import {
  AcknowledgeIncidentDto,
  EndIncidentDto,
  IncidentVerbAcceptedDto,
  RetrainIncidentDto,
} from './incidents.dto.js'
import { IncidentVerbsService } from './incident-verbs.service.js'

const PROBLEMS = [
  'invalid_request',
  'not_found',
  'wrong_state',
  'unavailable',
  'idempotency_key_reused',
] as const

@ApiTags('incidents')
@Needs('operator')
@Controller('v1/incidents/:id')
export class IncidentVerbsController {
  constructor(@Inject(IncidentVerbsService) private readonly service: IncidentVerbsService) {}

  @Summary('Says that somebody looks at it', 'The first one stands.')
  @Post('acknowledge')
  @HttpCode(200)
  @ApiIdempotencyKey()
  @ApiOkResponse({ type: IncidentVerbAcceptedDto })
  @Problems(...PROBLEMS)
  acknowledgeIncident(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Body() { reason }: AcknowledgeIncidentDto,
    @IdempotencyKey() idempotency: Idempotency | undefined,
  ): Promise<IncidentVerbAcceptedDto> {
    return this.service.send(caller, id, { verb: 'acknowledge', reason }, idempotency)
  }

  @Summary('Retrains now, whatever data there is', 'Does not count against the automatic retrainings.')
  @Post('retrain')
  @HttpCode(200)
  @ApiIdempotencyKey()
  @ApiOkResponse({ type: IncidentVerbAcceptedDto })
  @Problems(...PROBLEMS)
  retrainIncident(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Body() { reason, dataUntil }: RetrainIncidentDto,
    @IdempotencyKey() idempotency: Idempotency | undefined,
  ): Promise<IncidentVerbAcceptedDto> {
    return this.service.send(caller, id, { verb: 'retrain', reason, dataUntil }, idempotency)
  }

  @Summary('Ends an incident that is over', 'Not while a retraining or rollout of it is under way.')
  @Post('close')
  @HttpCode(200)
  @ApiIdempotencyKey()
  @ApiOkResponse({ type: IncidentVerbAcceptedDto })
  @Problems(...PROBLEMS)
  closeIncident(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Body() { reason, settledUntil }: EndIncidentDto,
    @IdempotencyKey() idempotency: Idempotency | undefined,
  ): Promise<IncidentVerbAcceptedDto> {
    return this.service.send(caller, id, { verb: 'close', reason, settledUntil }, idempotency)
  }

  @Summary('Ends an incident that is none', 'Not while a retraining or rollout of it is under way.')
  @Post('suppress')
  @HttpCode(200)
  @ApiIdempotencyKey()
  @ApiOkResponse({ type: IncidentVerbAcceptedDto })
  @Problems(...PROBLEMS)
  suppressIncident(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Body() { reason, settledUntil }: EndIncidentDto,
    @IdempotencyKey() idempotency: Idempotency | undefined,
  ): Promise<IncidentVerbAcceptedDto> {
    return this.service.send(caller, id, { verb: 'suppress', reason, settledUntil }, idempotency)
  }
}
