import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common'
import { ApiAcceptedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import type { FastifyReply } from 'fastify'
import type { Page } from '../../contracts/rest/common.js'
import { Caller } from '../http/caller.js'
import { ApiDownload } from '../http/download.js'
import { ApiIdempotencyKey, type Idempotency, IdempotencyKey } from '../http/idempotency.js'
import { ApiPage, PageQueryDto } from '../http/paging.js'
import { IdParam, VersionParam } from '../http/params.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { located } from '../runs/located.js'
import {
  FitDto,
  StartFitDto,
  TransformationDto,
  TransformationVersionDto,
  TransformedRowsDto,
  TransformRowsDto,
} from './transformations.dto.js'
import { TransformationsService } from './transformations.service.js'

@ApiTags('transformations')
@Needs('viewer')
@Controller('v1/transformations')
export class TransformationsController {
  constructor(@Inject(TransformationsService) private readonly service: TransformationsService) {}

  @Summary(
    'Fits steps to rows of a dataset',
    'What they have learned is the next version of the transformation, to change other rows by.',
  )
  @Needs('operator')
  @Post(':name/fits')
  @HttpCode(202)
  @ApiIdempotencyKey()
  @ApiAcceptedResponse({ type: FitDto })
  @Problems(
    'invalid_request',
    'not_found',
    'no_table',
    'version_retired',
    'transformation_invalid',
    'idempotency_key_reused',
  )
  async startFit(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: StartFitDto,
    @IdempotencyKey() idempotency: Idempotency | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<FitDto> {
    return located(reply, await this.service.fit(caller, name, body, idempotency))
  }

  @Summary('A fit under way or ended')
  @Get(':name/fits/:id')
  @ApiOkResponse({ type: FitDto })
  @Problems('not_found')
  getFit(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('id', IdParam) id: string,
  ): Promise<FitDto> {
    return this.service.getFit(caller, name, id)
  }

  @Summary('Transformations')
  @Get()
  @ApiPage(TransformationDto)
  @Problems('invalid_request')
  listTransformations(
    @Caller() caller: Principal,
    @Query() query: PageQueryDto,
  ): Promise<Page<TransformationDto>> {
    return this.service.list(caller, query)
  }

  @Summary('One transformation')
  @Get(':name')
  @ApiOkResponse({ type: TransformationDto })
  @Problems('not_found')
  getTransformation(@Caller() caller: Principal, @Param('name') name: string): Promise<TransformationDto> {
    return this.service.get(caller, name)
  }

  @Summary('Versions of a transformation')
  @Get(':name/versions')
  @ApiPage(TransformationVersionDto)
  @Problems('invalid_request', 'not_found')
  listTransformationVersions(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query() query: PageQueryDto,
  ): Promise<Page<TransformationVersionDto>> {
    return this.service.versions(caller, name, query)
  }

  @Summary('One version, by number or `latest`')
  @Get(':name/versions/:version')
  @ApiOkResponse({ type: TransformationVersionDto })
  @Problems('not_found')
  getTransformationVersion(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('version', VersionParam) version: number | 'latest',
  ): Promise<TransformationVersionDto> {
    return this.service.version(caller, name, version)
  }

  @Summary(
    'Transforms rows',
    'As it does those of a table, without a workflow. Steps of SQL (filter, sql) cannot be done on single rows.',
  )
  @Post(':name/versions/:version/rows')
  @HttpCode(200)
  @ApiOkResponse({ type: TransformedRowsDto })
  @Problems('invalid_request', 'not_found', 'transformation_mismatch', 'object_missing', 'object_corrupt')
  transformRows(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('version', VersionParam) version: number | 'latest',
    @Body() body: TransformRowsDto,
  ): Promise<TransformedRowsDto> {
    return this.service.transformRows(caller, name, version, body)
  }

  @Summary(
    'Downloads an artifact of a version',
    '`state.json`: the steps, and what they have learned; `fold-0.json` and so on: the same without the rows of a fold.',
  )
  @Get(':name/versions/:version/artifacts/:artifact')
  @ApiDownload()
  @Problems('not_found', 'object_missing', 'object_corrupt')
  downloadTransformationArtifact(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('version', VersionParam) version: number | 'latest',
    @Param('artifact') artifact: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.service.download(caller, name, version, artifact, reply)
  }
}
