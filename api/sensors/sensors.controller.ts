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
  ApiBody,
  ApiCreatedResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiTags,
} from '@nestjs/swagger'
import type { FastifyReply } from 'fastify'
import type { Page } from '../../contracts/rest/common.js'
import { Caller } from '../http/caller.js'
import { type Idempotency, IdempotencyKey } from '../http/idempotency.js'
import { ApiPage, PageQueryDto } from '../http/paging.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import {
  CreateSensorDto,
  ResetSensorDto,
  SensorDto,
  SensorEventDto,
  SensorNoteDto,
  SensorTickDto,
  UpdateSensorDto,
} from './sensors.dto.js'
import { SensorsService } from './sensors.service.js'

@ApiTags('sensors')
@Needs('viewer')
@Controller('v1/sensors')
export class SensorsController {
  constructor(@Inject(SensorsService) private readonly service: SensorsService) {}

  @Summary(
    'Creates a sensor: a run of a pipeline for each new thing that a source has',
    'It begins when Temporal is back, where it is away.',
  )
  @Needs('operator')
  @Post()
  @ApiCreatedResponse({ type: SensorDto })
  @Problems('invalid_request', 'not_found', 'already_exists')
  async createSensor(
    @Caller() caller: Principal,
    @Body() body: CreateSensorDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SensorDto> {
    void reply.header('location', `/v1/sensors/${body.name}`)
    return this.service.create(caller, body)
  }

  @Summary('Sensors')
  @Get()
  @ApiPage(SensorDto)
  @Problems('invalid_request')
  listSensors(@Caller() caller: Principal, @Query() query: PageQueryDto): Promise<Page<SensorDto>> {
    return this.service.list(caller, query)
  }

  @Summary('One sensor, and how far it has come')
  @Get(':name')
  @ApiOkResponse({ type: SensorDto })
  @Problems('not_found')
  getSensor(@Caller() caller: Principal, @Param('name') name: string): Promise<SensorDto> {
    return this.service.get(caller, name)
  }

  @Summary('What a sensor has seen, and what came of it')
  @Get(':name/ticks')
  @ApiPage(SensorTickDto)
  @Problems('invalid_request', 'not_found')
  listSensorTicks(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query() query: PageQueryDto,
  ): Promise<Page<SensorTickDto>> {
    return this.service.ticks(caller, name, query)
  }

  @Summary(
    'Changes what a sensor watches or runs',
    'It goes on where it is. With another source it begins anew: `incarnation` grows, and what that source has by now is no tick.',
  )
  @Needs('operator')
  @Patch(':name')
  @ApiOkResponse({ type: SensorDto })
  @Problems('invalid_request', 'not_found')
  updateSensor(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: UpdateSensorDto,
  ): Promise<SensorDto> {
    return this.service.update(caller, name, body)
  }

  @Summary('Lets a sensor look no more', 'What comes meanwhile it sees when it is resumed.')
  @Needs('operator')
  @Post(':name/pause')
  @HttpCode(200)
  @ApiOkResponse({ type: SensorDto })
  @Problems('invalid_request', 'not_found')
  pauseSensor(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: SensorNoteDto,
  ): Promise<SensorDto> {
    return this.service.pause(caller, name, body.note)
  }

  @Summary('Lets a sensor look again')
  @Needs('operator')
  @Post(':name/resume')
  @HttpCode(200)
  @ApiOkResponse({ type: SensorDto })
  @Problems('invalid_request', 'not_found')
  resumeSensor(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: SensorNoteDto,
  ): Promise<SensorDto> {
    return this.service.resume(caller, name, body.note)
  }

  @Summary('Begins a sensor anew', 'Its keys count anew: with `beginning` all that is there has a run again.')
  @Needs('operator')
  @Post(':name/reset')
  @HttpCode(200)
  @ApiOkResponse({ type: SensorDto })
  @Problems('invalid_request', 'not_found')
  resetSensor(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: ResetSensorDto,
  ): Promise<SensorDto> {
    return this.service.reset(caller, name, body)
  }

  @Summary(
    'Sends an event to a sensor with the source webhook',
    'The body is its payload. It is kept when this answers, whatever else is away.',
  )
  @Needs('operator')
  @Post(':name/events')
  @HttpCode(202)
  @ApiHeader({
    name: 'Idempotency-Key',
    required: true,
    description: 'names the event: the same key and body are one event, for ever; another body is refused',
    schema: { type: 'string', maxLength: 255 },
  })
  @ApiBody({ required: false, description: 'any JSON of at most 32 KiB', schema: {} })
  @ApiAcceptedResponse({ type: SensorEventDto })
  @Problems('invalid_request', 'not_found', 'wrong_state', 'idempotency_key_reused', 'body_too_large')
  sendSensorEvent(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() payload: unknown,
    @IdempotencyKey() idempotency: Idempotency | undefined,
  ): Promise<SensorEventDto> {
    return this.service.receive(caller, name, payload, idempotency)
  }

  @Summary('Ends a sensor; runs it has started go on')
  @Needs('operator')
  @Delete(':name')
  @HttpCode(204)
  @ApiNoContentResponse()
  @Problems('not_found')
  deleteSensor(@Caller() caller: Principal, @Param('name') name: string): Promise<void> {
    return this.service.remove(caller, name)
  }
}
