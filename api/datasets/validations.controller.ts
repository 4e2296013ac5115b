import { Body, Controller, Get, HttpCode, Inject, Param, Post, Res } from '@nestjs/common'
import { ApiAcceptedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import type { FastifyReply } from 'fastify'
import { Caller } from '../http/caller.js'
import { ApiIdempotencyKey, type Idempotency, IdempotencyKey } from '../http/idempotency.js'
import { IdParam } from '../http/params.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { located } from '../runs/located.js'
import { StartValidationDto, ValidationDto, ValidationResultsDto } from './suites.dto.js'
import { ValidationsService } from './validations.service.js'

@ApiTags('datasets')
@Needs('viewer')
@Controller('v1/datasets/:name/validations')
export class ValidationsController {
  constructor(@Inject(ValidationsService) private readonly service: ValidationsService) {}

  @Summary(
    'Checks a version by the suite of its dataset',
    'The version stays as it is. The run ends as refused where an expectation of severity error does not hold.',
  )
  @Needs('operator')
  @Post()
  @HttpCode(202)
  @ApiIdempotencyKey()
  @ApiAcceptedResponse({ type: ValidationDto })
  @Problems(
    'invalid_request',
    'not_found',
    'no_table',
    'version_retired',
    'unknown_column',
    'idempotency_key_reused',
  )
  async startValidation(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: StartValidationDto,
    @IdempotencyKey() idempotency: Idempotency | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ValidationDto> {
    return located(reply, await this.service.start(caller, name, body, idempotency))
  }

  @Summary('A check under way or ended')
  @Get(':id')
  @ApiOkResponse({ type: ValidationDto })
  @Problems('not_found')
  getValidation(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('id', IdParam) id: string,
  ): Promise<ValidationDto> {
    return this.service.get(caller, name, id)
  }

  @Summary('Each expectation with what was found')
  @Get(':id/results')
  @ApiOkResponse({ type: ValidationResultsDto })
  @Problems('not_found', 'wrong_state', 'version_retired', 'object_missing', 'object_corrupt')
  getValidationResults(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('id', IdParam) id: string,
  ): Promise<ValidationResultsDto> {
    return this.service.results(caller, name, id)
  }
}
