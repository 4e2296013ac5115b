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
import { Caller } from '../http/caller.js'
import { ApiIdempotencyKey, type Idempotency, IdempotencyKey } from '../http/idempotency.js'
import { ApiPage } from '../http/paging.js'
import { IdParam } from '../http/params.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { located } from '../runs/located.js'
import {
  PausePipelineRunDto,
  PipelineRunDto,
  PipelineRunsQueryDto,
  PipelineRunSummaryDto,
  PipelineVerbAcceptedDto,
  ResetPipelineRunDto,
  StartPipelineRunDto,
} from './pipeline-runs.dto.js'
import { PipelineRunsService } from './pipeline-runs.service.js'
import { PipelineVerbsService } from './pipeline-verbs.service.js'

@ApiTags('pipelines')
@Needs('viewer')
@Controller('v1')
export class PipelineRunsController {
  constructor(
    @Inject(PipelineRunsService) private readonly service: PipelineRunsService,
    @Inject(PipelineVerbsService) private readonly verbs: PipelineVerbsService,
  ) {}

  @Summary('Starts a run of a pipeline', 'Of its newest version; the run stays with it.')
  @Needs('operator')
  @Post('pipelines/:name/runs')
  @HttpCode(202)
  @ApiIdempotencyKey()
  @ApiAcceptedResponse({ type: PipelineRunDto })
  @Problems('invalid_request', 'not_found', 'idempotency_key_reused', 'pipeline_full')
  async startPipelineRun(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: StartPipelineRunDto,
    @IdempotencyKey() idempotency: Idempotency | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PipelineRunDto> {
    return located(reply, await this.service.start(caller, name, body, idempotency))
  }

  @Summary('Runs of pipelines')
  @Get('pipeline-runs')
  @ApiPage(PipelineRunSummaryDto)
  @Problems('invalid_request')
  listPipelineRuns(
    @Caller() caller: Principal,
    @Query() query: PipelineRunsQueryDto,
  ): Promise<Page<PipelineRunSummaryDto>> {
    return this.service.list(caller, query)
  }

  @Summary('One run with all its steps')
  @Get('pipeline-runs/:id')
  @ApiOkResponse({ type: PipelineRunDto })
  @Problems('not_found')
  getPipelineRun(@Caller() caller: Principal, @Param('id', IdParam) id: string): Promise<PipelineRunDto> {
    return this.service.get(caller, id)
  }

  @Summary('Asks a run to stop', 'Runs that do steps of it stop too.')
  @Needs('operator')
  @Post('pipeline-runs/:id/cancel')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: PipelineRunDto })
  @Problems('not_found', 'wrong_state', 'unavailable')
  cancelPipelineRun(@Caller() caller: Principal, @Param('id', IdParam) id: string): Promise<PipelineRunDto> {
    return this.service.cancel(caller, id)
  }

  @Summary('Starts a run that ended badly again', 'Steps that have succeeded are not repeated.')
  @Needs('operator')
  @Post('pipeline-runs/:id/retry')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: PipelineRunDto })
  @Problems('not_found', 'wrong_state')
  retryPipelineRun(@Caller() caller: Principal, @Param('id', IdParam) id: string): Promise<PipelineRunDto> {
    return this.service.retry(caller, id)
  }

  @Summary(
    'Does steps of an ended run again',
    'With all that follow from them; the others keep what they have. What is done again is not taken over from other runs.',
  )
  @Needs('operator')
  @Post('pipeline-runs/:id/reset')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: PipelineRunDto })
  @Problems('invalid_request', 'not_found', 'wrong_state')
  resetPipelineRun(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Body() { steps }: ResetPipelineRunDto,
  ): Promise<PipelineRunDto> {
    return this.service.reset(caller, id, steps)
  }

  @Summary(
    'Undoes the steps of a run',
    'By their `compensate`, the last first. What works is stopped before; of an ended run it is an attempt of its own.',
  )
  @Needs('operator')
  @Post('pipeline-runs/:id/rollback')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: PipelineRunDto })
  @Problems('invalid_request', 'not_found', 'wrong_state', 'unavailable')
  rollBackPipelineRun(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Body() { reason }: PausePipelineRunDto,
  ): Promise<PipelineRunDto> {
    return this.verbs.rollBack(caller, id, reason ?? null)
  }

  @Summary('Begins no more steps until it is resumed', 'Those that work go on to their end.')
  @Needs('operator')
  @Post('pipeline-runs/:id/pause')
  @HttpCode(200)
  @ApiOkResponse({ type: PipelineVerbAcceptedDto })
  @Problems('invalid_request', 'not_found', 'wrong_state', 'unavailable')
  pausePipelineRun(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Body() { reason }: PausePipelineRunDto,
  ): Promise<PipelineVerbAcceptedDto> {
    return this.verbs.send(caller, id, 'pause', reason ?? null)
  }

  @Summary('Lets a paused run go on')
  @Needs('operator')
  @Post('pipeline-runs/:id/resume')
  @HttpCode(200)
  @ApiOkResponse({ type: PipelineVerbAcceptedDto })
  @Problems('not_found', 'wrong_state', 'unavailable')
  resumePipelineRun(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
  ): Promise<PipelineVerbAcceptedDto> {
    return this.verbs.send(caller, id, 'resume', null)
  }

  @Summary(
    'Changes of a run and its steps as they happen',
    'Server-sent events: `state` with the run, then `end`. Last-Event-ID takes up a broken stream.',
  )
  @Get('pipeline-runs/:id/events')
  @ApiProduces('text/event-stream')
  @ApiHeader({ name: 'Last-Event-ID', required: false })
  @ApiOkResponse({ schema: { type: 'string' } })
  @ApiNoContentResponse({ description: 'the run has ended, and its last state was seen' })
  @Problems('not_found')
  async streamPipelineRunEvents(
    @Caller() { project }: Principal,
    @Param('id', IdParam) id: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.service.events(await this.service.find(project, id), reply, lastEventId)
  }
}
