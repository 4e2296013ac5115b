import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common'
import { ApiAcceptedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
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
  DataCollectionDto,
  DataVerificationDto,
  StartCollectionDto,
  StartVerificationDto,
  VerificationReportDto,
} from './collections.dto.js'
import { CollectionsService } from './collections.service.js'
import { VerificationsService } from './verifications.service.js'

@ApiTags('data')
@Needs('viewer')
@Controller('v1/data')
export class CollectionsController {
  constructor(
    @Inject(CollectionsService) private readonly collections: CollectionsService,
    @Inject(VerificationsService) private readonly verifications: VerificationsService,
  ) {}

  @Summary(
    'Finds what no version needs',
    'It makes a plan, which can be executed for a day; or removes it at once.',
  )
  @Needs('admin')
  @Post('collections')
  @HttpCode(202)
  @ApiIdempotencyKey()
  @ApiAcceptedResponse({ type: DataCollectionDto })
  @Problems('invalid_request', 'idempotency_key_reused', 'wrong_state')
  async startCollection(
    @Caller() caller: Principal,
    @Body() { execute }: StartCollectionDto,
    @IdempotencyKey() idempotency: Idempotency | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DataCollectionDto> {
    const asked = execute === undefined ? {} : { execute }
    return located(reply, await this.collections.start(caller, asked, idempotency))
  }

  @Summary('Collections, the newest first')
  @Get('collections')
  @ApiPage(DataCollectionDto)
  @Problems('invalid_request')
  listCollections(
    @Caller() caller: Principal,
    @Query() query: PageQueryDto,
  ): Promise<Page<DataCollectionDto>> {
    return this.collections.list(caller, query)
  }

  @Summary('A collection with its plan')
  @Get('collections/:id')
  @ApiOkResponse({ type: DataCollectionDto })
  @Problems('not_found')
  getCollection(@Caller() caller: Principal, @Param('id', IdParam) id: string): Promise<DataCollectionDto> {
    return this.collections.get(caller, id)
  }

  @Summary(
    'Executes a plan',
    'As a collection of its own, which removes of the plan what still nothing needs, and nothing else.',
  )
  @Needs('admin')
  @Post('collections/:id/execute')
  @HttpCode(202)
  @ApiIdempotencyKey()
  @ApiAcceptedResponse({ type: DataCollectionDto })
  @Problems('not_found', 'wrong_state', 'idempotency_key_reused')
  async executeCollection(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @IdempotencyKey() idempotency: Idempotency | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DataCollectionDto> {
    return located(reply, await this.collections.start(caller, { execute: true, planId: id }, idempotency))
  }

  @Summary(
    'Reads all that versions need, and compares it with its hashes',
    'What is damaged is written anew where it can be had, and named where it cannot.',
  )
  @Needs('operator')
  @Post('verifications')
  @HttpCode(202)
  @ApiIdempotencyKey()
  @ApiAcceptedResponse({ type: DataVerificationDto })
  @Problems('invalid_request', 'not_found', 'version_retired', 'idempotency_key_reused')
  async startVerification(
    @Caller() caller: Principal,
    @Body() body: StartVerificationDto,
    @IdempotencyKey() idempotency: Idempotency | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DataVerificationDto> {
    return located(reply, await this.verifications.start(caller, body, idempotency))
  }

  @Summary('Verifications, the newest first')
  @Get('verifications')
  @ApiPage(DataVerificationDto)
  @Problems('invalid_request')
  listVerifications(
    @Caller() caller: Principal,
    @Query() query: PageQueryDto,
  ): Promise<Page<DataVerificationDto>> {
    return this.verifications.list(caller, query)
  }

  @Summary('A verification with what it has found')
  @Get('verifications/:id')
  @ApiOkResponse({ type: DataVerificationDto })
  @Problems('not_found')
  getVerification(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
  ): Promise<DataVerificationDto> {
    return this.verifications.get(caller, id)
  }

  @Summary('Which files of which versions are damaged')
  @Get('verifications/:id/report')
  @ApiOkResponse({ type: VerificationReportDto })
  @Problems('not_found', 'wrong_state', 'object_missing', 'object_corrupt')
  getVerificationReport(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
  ): Promise<VerificationReportDto> {
    return this.verifications.report(caller, id)
  }
}
