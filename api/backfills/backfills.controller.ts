import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common'
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
import { BodyLimit } from '../http/body-limit.js'
import { Caller } from '../http/caller.js'
import { ApiIdempotencyKey, type Idempotency, IdempotencyKey } from '../http/idempotency.js'
import { ApiPage } from '../http/paging.js'
import { IdParam } from '../http/params.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { located } from '../runs/located.js'
import { BackfillPageService } from './backfill-page.service.js'
import {
  BackfillDto,
  BackfillItemDto,
  BackfillsQueryDto,
  BackfillSummaryDto,
  BackfillVerbAcceptedDto,
  ItemsQueryDto,
  MaterialiseAssetDto,
  MAX_BACKFILL_BYTES,
  PauseBackfillDto,
  StartBackfillDto,
} from './backfills.dto.js'
import { BackfillsService } from './backfills.service.js'

@ApiTags('assets')
@Needs('viewer')
@Controller('v1')
export class BackfillsController {
  constructor(
    @Inject(BackfillsService) private readonly service: BackfillsService,
    @Inject(BackfillPageService) private readonly pages: BackfillPageService,
  ) {}

  @Summary('Makes an asset, with what it needs', 'A backfill of one partition.')
  @Needs('operator')
  @Post('assets/:name/materialise')
  @HttpCode(202)
  @ApiIdempotencyKey()
  @ApiAcceptedResponse({ type: BackfillDto })
  @Problems('invalid_request', 'not_found', 'idempotency_key_reused')
  async materialiseAsset(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: MaterialiseAssetDto,
    @IdempotencyKey() idempotency: Idempotency | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BackfillDto> {
    return located(reply, await this.service.materialise(caller, name, body, idempotency))
  }

  @Summary(
    'Makes partitions of assets, in the order in which they need each other',
    'What is to be made is decided now; what has become fresh when its turn comes is skipped.',
  )
  @Needs('operator')
  @Post('backfills')
  @HttpCode(202)
  @BodyLimit(MAX_BACKFILL_BYTES)
  @ApiIdempotencyKey()
  @ApiAcceptedResponse({ type: BackfillDto })
  @Problems('invalid_request', 'idempotency_key_reused')
  async startBackfill(
    @Caller() caller: Principal,
    @Body() body: StartBackfillDto,
    @IdempotencyKey() idempotency: Idempotency | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BackfillDto> {
    return located(reply, await this.service.start(caller, body, idempotency))
  }

  @Summary('Backfills')
  @Get('backfills')
  @ApiPage(BackfillSummaryDto)
  @Problems('invalid_request')
  listBackfills(
    @Caller() caller: Principal,
    @Query() query: BackfillsQueryDto,
  ): Promise<Page<BackfillSummaryDto>> {
    return this.service.list(caller, query)
  }

  @Summary('One backfill, and how far it is')
  @Get('backfills/:id')
  @ApiOkResponse({ type: BackfillDto })
  @Problems('not_found')
  getBackfill(@Caller() caller: Principal, @Param('id', IdParam) id: string): Promise<BackfillDto> {
    return this.service.get(caller, id)
  }

  @Summary('Partitions of a backfill', 'In the order of its plan.')
  @Get('backfills/:id/items')
  @ApiPage(BackfillItemDto)
  @Problems('invalid_request', 'not_found')
  listBackfillItems(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Query() query: ItemsQueryDto,
  ): Promise<Page<BackfillItemDto>> {
    return this.service.items(caller, id, query)
  }

  @Summary('Asks a backfill to stop', 'Runs of its partitions stop too; what was made is kept.')
  @Needs('operator')
  @Post('backfills/:id/cancel')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: BackfillDto })
  @Problems('not_found', 'wrong_state', 'unavailable')
  cancelBackfill(@Caller() caller: Principal, @Param('id', IdParam) id: string): Promise<BackfillDto> {
    return this.service.cancel(caller, id)
  }

  @Summary('Goes on with what did not end well', 'What was made is not made again.')
  @Needs('operator')
  @Post('backfills/:id/retry')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: BackfillDto })
  @Problems('not_found', 'wrong_state')
  retryBackfill(@Caller() caller: Principal, @Param('id', IdParam) id: string): Promise<BackfillDto> {
    return this.service.retry(caller, id)
  }

  @Summary('Begins no more partitions until it is resumed', 'Those that are being made go on to their end.')
  @Needs('operator')
  @Post('backfills/:id/pause')
  @HttpCode(200)
  @ApiOkResponse({ type: BackfillVerbAcceptedDto })
  @Problems('invalid_request', 'not_found', 'wrong_state', 'unavailable')
  pauseBackfill(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Body() { reason }: PauseBackfillDto,
  ): Promise<BackfillVerbAcceptedDto> {
    return this.service.send(caller, id, 'pause', reason ?? null)
  }

  @Summary('Lets a paused backfill go on')
  @Needs('operator')
  @Post('backfills/:id/resume')
  @HttpCode(200)
  @ApiOkResponse({ type: BackfillVerbAcceptedDto })
  @Problems('not_found', 'wrong_state', 'unavailable')
  resumeBackfill(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
  ): Promise<BackfillVerbAcceptedDto> {
    return this.service.send(caller, id, 'resume', null)
  }

  @Summary(
    'Changes of a backfill as they happen',
    'Server-sent events: `state` with the backfill, then `end`. Last-Event-ID takes up a broken stream.',
  )
  @Get('backfills/:id/events')
  @ApiProduces('text/event-stream')
  @ApiHeader({ name: 'Last-Event-ID', required: false })
  @ApiOkResponse({ schema: { type: 'string' } })
  @ApiNoContentResponse({ description: 'the backfill has ended, and its last state was seen' })
  @Problems('not_found')
  async streamBackfillEvents(
    @Caller() { project }: Principal,
    @Param('id', IdParam) id: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.service.events(await this.service.find(project, id), reply, lastEventId)
  }

  @Summary('The progress of a backfill for people, one HTML file')
  @Get('backfills/:id/page')
  @ApiProduces('text/html')
  @ApiOkResponse({ schema: { type: 'string' } })
  @Problems('not_found')
  getBackfillPage(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.pages.send(caller, id, reply)
  }
}
