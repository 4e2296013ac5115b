import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common'
import { ApiAcceptedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import type { FastifyReply } from 'fastify'
import type { Page } from '../../contracts/rest/common.js'
import { Caller } from '../http/caller.js'
import { ApiDownload } from '../http/download.js'
import { ApiIdempotencyKey, type Idempotency, IdempotencyKey } from '../http/idempotency.js'
import { ApiPage } from '../http/paging.js'
import { IdParam } from '../http/params.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { HistoryService } from '../operations/history.service.js'
import { located } from '../runs/located.js'
import { TRAINING_PROBLEMS } from './training-problems.js'
import { StartTrainingDto, TrainingDto, TrainingsQueryDto, TrainingSummaryDto } from './trainings.dto.js'
import { TrainingsService } from './trainings.service.js'

@ApiTags('trainings')
@Needs('viewer')
@Controller('v1/trainings')
export class TrainingsController {
  constructor(
    @Inject(TrainingsService) private readonly service: TrainingsService,
    @Inject(HistoryService) private readonly histories: HistoryService,
  ) {}

  @Summary('Starts a training', 'Accepted while Temporal is away too; it then begins when Temporal is back.')
  @Needs('operator')
  @Post()
  @HttpCode(202)
  @ApiIdempotencyKey()
  @ApiAcceptedResponse({ type: TrainingDto })
  @Problems('invalid_request', 'not_found', 'idempotency_key_reused', ...TRAINING_PROBLEMS)
  async startTraining(
    @Caller() caller: Principal,
    @Body() body: StartTrainingDto,
    @IdempotencyKey() idempotency: Idempotency | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TrainingDto> {
    return located(reply, await this.service.start(caller, body, idempotency))
  }

  @Summary('Trainings')
  @Get()
  @ApiPage(TrainingSummaryDto)
  @Problems('invalid_request')
  listTrainings(
    @Caller() caller: Principal,
    @Query() query: TrainingsQueryDto,
  ): Promise<Page<TrainingSummaryDto>> {
    return this.service.list(caller, query)
  }

  @Summary('One training, with live progress while it runs')
  @Get(':id')
  @ApiOkResponse({ type: TrainingDto })
  @Problems('not_found')
  getTraining(@Caller() caller: Principal, @Param('id', IdParam) id: string): Promise<TrainingDto> {
    return this.service.get(caller, id)
  }

  @Summary('Asks a training to stop')
  @Needs('operator')
  @Post(':id/cancel')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: TrainingDto })
  @Problems('not_found', 'wrong_state', 'unavailable')
  cancelTraining(@Caller() caller: Principal, @Param('id', IdParam) id: string): Promise<TrainingDto> {
    return this.service.cancel(caller, id)
  }

  @Summary(
    'Starts a training that ended badly again',
    'Finished steps and durable checkpoints are not repeated.',
  )
  @Needs('operator')
  @Post(':id/retry')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: TrainingDto })
  @Problems('not_found', 'wrong_state')
  retryTraining(@Caller() caller: Principal, @Param('id', IdParam) id: string): Promise<TrainingDto> {
    return this.service.retry(caller, id)
  }

  @Summary('History of the workflow as JSON, archived or live')
  @Get(':id/history')
  @ApiOkResponse({
    schema: { type: 'object', properties: { events: { type: 'array', items: { type: 'object' } } } },
  })
  @Problems('not_found', 'unavailable')
  async getTrainingHistory(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.histories.send(await this.service.find(caller.project, id), reply)
  }

  @Summary('Downloads an artifact of a training')
  @Get(':id/artifacts/:artifact')
  @ApiDownload()
  @Problems('not_found', 'object_missing', 'object_corrupt')
  downloadTrainingArtifact(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Param('artifact') artifact: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.service.download(caller, id, artifact, reply)
  }
}
