import { Controller, Get, Headers, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common'
import {
  ApiAcceptedResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger'
import type { FastifyReply } from 'fastify'
import type { Page } from '../../contracts/rest/common.js'
import { Caller } from '../http/caller.js'
import { ApiPage } from '../http/paging.js'
import { IdParam } from '../http/params.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { OperationDto } from '../runs/operation.dto.js'
import { HistoryService } from './history.service.js'
import { OperationsQueryDto } from './operations.dto.js'
import { OperationsService } from './operations.service.js'
import { RunEvents } from './run-events.js'

@ApiTags('operations')
@Needs('viewer')
@Controller('v1/operations')
export class OperationsController {
  constructor(
    @Inject(OperationsService) private readonly service: OperationsService,
    @Inject(HistoryService) private readonly histories: HistoryService,
    @Inject(RunEvents) private readonly events: RunEvents,
  ) {}

  @Summary('Runs of every kind')
  @Get()
  @ApiPage(OperationDto)
  @Problems('invalid_request')
  listOperations(
    @Caller() caller: Principal,
    @Query() query: OperationsQueryDto,
  ): Promise<Page<OperationDto>> {
    return this.service.list(caller, query)
  }

  @Summary('Any run by its id')
  @Get(':id')
  @ApiOkResponse({ type: OperationDto })
  @Problems('not_found')
  getOperation(@Caller() caller: Principal, @Param('id', IdParam) id: string): Promise<OperationDto> {
    return this.service.get(caller, id)
  }

  @Summary('Asks a run to stop')
  @Needs('operator')
  @Post(':id/cancel')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: OperationDto })
  @Problems('not_found', 'wrong_state', 'unavailable')
  cancelOperation(@Caller() caller: Principal, @Param('id', IdParam) id: string): Promise<OperationDto> {
    return this.service.cancel(caller, id)
  }

  @Summary('Starts a run that ended badly again', 'Finished steps are not repeated.')
  @Needs('operator')
  @Post(':id/retry')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: OperationDto })
  @Problems('not_found', 'wrong_state')
  retryOperation(@Caller() caller: Principal, @Param('id', IdParam) id: string): Promise<OperationDto> {
    return this.service.retry(caller, id)
  }

  @Summary('History of the workflow as JSON, archived or live')
  @Get(':id/history')
  @ApiOkResponse({
    schema: { type: 'object', properties: { events: { type: 'array', items: { type: 'object' } } } },
  })
  @Problems('not_found', 'unavailable')
  async getOperationHistory(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.histories.send(await this.service.find(caller, id), reply)
  }

  @Summary(
    'Changes of a run as they happen',
    'Server-sent events: `state` with the operation, then `end`. Last-Event-ID takes up a broken stream.',
  )
  @Get(':id/events')
  @ApiProduces('text/event-stream')
  @ApiHeader({ name: 'Last-Event-ID', required: false })
  @ApiOkResponse({ schema: { type: 'string' } })
  @ApiNoContentResponse({ description: 'the run has ended, and its last state was seen' })
  @Problems('not_found')
  async streamOperationEvents(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.events.stream(await this.service.find(caller, id), reply, lastEventId)
  }
}
