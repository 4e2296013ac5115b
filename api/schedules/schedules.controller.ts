import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Patch,
  Post,
  Query,
  Res,
} from '@nestjs/common'
import {
  ApiAcceptedResponse,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiTags,
} from '@nestjs/swagger'
import type { FastifyReply } from 'fastify'
import type { Page } from '../../contracts/rest/common.js'
import { Caller } from '../http/caller.js'
import { ApiIdempotencyKey, type Idempotency, IdempotencyKey } from '../http/idempotency.js'
import { ApiPage, PageQueryDto } from '../http/paging.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { TRAINING_PROBLEMS } from '../trainings/training-problems.js'
import {
  ScheduleBackfillDto,
  BackfillScheduleDto,
  CreateScheduleDto,
  ScheduleDto,
  ScheduleNoteDto,
  ScheduleTickDto,
  UpdateScheduleDto,
} from './schedules.dto.js'
import { SchedulesService } from './schedules.service.js'

@ApiTags('schedules')
@Needs('viewer')
@Controller('v1/schedules')
export class SchedulesController {
  constructor(@Inject(SchedulesService) private readonly service: SchedulesService) {}

  @Summary(
    'Creates a recurring training, retraining or check of windows',
    'Made when Temporal is back, where it is away.',
  )
  @Needs('operator')
  @Post()
  @ApiCreatedResponse({ type: ScheduleDto })
  @Problems(
    'invalid_request',
    'not_found',
    'already_exists',
    'wrong_state',
    'cron_invalid',
    'time_zone_invalid',
    ...TRAINING_PROBLEMS,
  )
  async createSchedule(
    @Caller() caller: Principal,
    @Body() body: CreateScheduleDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ScheduleDto> {
    void reply.header('location', `/v1/schedules/${body.name}`)
    return this.service.create(caller, body)
  }

  @Summary('Schedules')
  @Get()
  @ApiPage(ScheduleDto)
  @Problems('invalid_request')
  listSchedules(@Caller() caller: Principal, @Query() query: PageQueryDto): Promise<Page<ScheduleDto>> {
    return this.service.list(caller, query)
  }

  @Summary('One schedule, with its next times')
  @Get(':name')
  @ApiOkResponse({ type: ScheduleDto })
  @Problems('not_found')
  getSchedule(@Caller() caller: Principal, @Param('name') name: string): Promise<ScheduleDto> {
    return this.service.get(caller, name)
  }

  @Summary(
    'What has become of the ticks of a schedule, newest first',
    'Of trainings, retrainings and pipelines; what drift checks do is in the windows of their deployment.',
  )
  @Get(':name/ticks')
  @ApiPage(ScheduleTickDto)
  @Problems('invalid_request', 'not_found')
  listScheduleTicks(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query() query: PageQueryDto,
  ): Promise<Page<ScheduleTickDto>> {
    return this.service.ticks(caller, name, query)
  }

  @Summary('Changes what a schedule starts, or when')
  @Needs('operator')
  @Patch(':name')
  @ApiOkResponse({ type: ScheduleDto })
  @Problems(
    'invalid_request',
    'not_found',
    'wrong_state',
    'cron_invalid',
    'time_zone_invalid',
    ...TRAINING_PROBLEMS,
  )
  updateSchedule(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: UpdateScheduleDto,
  ): Promise<ScheduleDto> {
    return this.service.update(caller, name, body)
  }

  @Summary('Lets no more ticks start')
  @Needs('operator')
  @Post(':name/pause')
  @HttpCode(200)
  @ApiOkResponse({ type: ScheduleDto })
  @Problems('invalid_request', 'not_found', 'unavailable')
  pauseSchedule(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: ScheduleNoteDto,
  ): Promise<ScheduleDto> {
    return this.service.pause(caller, name, body.note)
  }

  @Summary('Lets ticks start again')
  @Needs('operator')
  @Post(':name/resume')
  @HttpCode(200)
  @ApiOkResponse({ type: ScheduleDto })
  @Problems('invalid_request', 'not_found', 'unavailable')
  resumeSchedule(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: ScheduleNoteDto,
  ): Promise<ScheduleDto> {
    return this.service.resume(caller, name, body.note)
  }

  @Summary('Starts a run now', 'Sent again with the same Idempotency-Key, it starts no second one.')
  @Needs('operator')
  @Post(':name/trigger')
  @HttpCode(202)
  @ApiIdempotencyKey()
  @ApiAcceptedResponse({ type: ScheduleDto })
  @Problems('invalid_request', 'not_found', 'unavailable')
  triggerSchedule(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @IdempotencyKey() idempotency: Idempotency | undefined,
  ): Promise<ScheduleDto> {
    return this.service.trigger(caller, name, idempotency)
  }

  @Summary(
    'Runs ticks of the past now',
    'At most 100; also while the schedule is paused. Sent again with the same Idempotency-Key, they run no second time.',
  )
  @Needs('operator')
  @Post(':name/backfill')
  @HttpCode(202)
  @ApiIdempotencyKey()
  @ApiAcceptedResponse({ type: ScheduleBackfillDto })
  @Problems('invalid_request', 'not_found', 'unavailable')
  backfillSchedule(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: BackfillScheduleDto,
    @IdempotencyKey() idempotency: Idempotency | undefined,
  ): Promise<ScheduleBackfillDto> {
    return this.service.backfill(caller, name, body, idempotency)
  }

  @Summary('Ends a schedule; runs it has started go on')
  @Needs('operator')
  @Delete(':name')
  @HttpCode(204)
  @ApiNoContentResponse()
  @Problems('not_found', 'unavailable')
  deleteSchedule(@Caller() caller: Principal, @Param('name') name: string): Promise<void> {
    return this.service.remove(caller, name)
  }
}
