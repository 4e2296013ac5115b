import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common'
import { ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import type { Page } from '../../contracts/rest/common.js'
import { BodyLimit } from '../http/body-limit.js'
import { Caller } from '../http/caller.js'
import { ApiPage, PageQueryDto } from '../http/paging.js'
import { VersionParam } from '../http/params.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import {
  ApplyPipelinesDto,
  MAX_SOURCE,
  PipelinesAppliedDto,
  PipelineSummaryDto,
  PipelineVersionDto,
  StepTypeDto,
} from './pipelines.dto.js'
import { PipelinesService } from './pipelines.service.js'

/** Enough for the largest source, whose line feeds and quotes are two characters in JSON. */
const MAX_BODY_BYTES = 2 * MAX_SOURCE + 2 ** 16

@ApiTags('pipelines')
@Needs('viewer')
@Controller('v1')
export class PipelinesController {
  constructor(@Inject(PipelinesService) private readonly service: PipelinesService) {}

  @Summary(
    'Applies definitions of pipelines',
    'Each becomes the newest version of its pipeline, unless it is that already; all of them or none. Runs that have begun stay with the version they have. Steps that run commands need the role admin.',
  )
  @Needs('operator')
  @Post('pipelines')
  @HttpCode(200)
  @BodyLimit(MAX_BODY_BYTES)
  @ApiOkResponse({ type: PipelinesAppliedDto })
  @Problems('invalid_request', 'pipeline_invalid', 'forbidden')
  applyPipelines(@Caller() caller: Principal, @Body() body: ApplyPipelinesDto): Promise<PipelinesAppliedDto> {
    return this.service.apply(caller, body)
  }

  @Summary('Pipelines')
  @Get('pipelines')
  @ApiPage(PipelineSummaryDto)
  @Problems('invalid_request')
  listPipelines(
    @Caller() caller: Principal,
    @Query() query: PageQueryDto,
  ): Promise<Page<PipelineSummaryDto>> {
    return this.service.list(caller, query)
  }

  @Summary('The newest version of a pipeline')
  @Get('pipelines/:name')
  @ApiOkResponse({ type: PipelineVersionDto })
  @Problems('not_found')
  getPipeline(@Caller() caller: Principal, @Param('name') name: string): Promise<PipelineVersionDto> {
    return this.service.version(caller, name)
  }

  @Summary('Deletes a pipeline', 'Runs that have begun go on; applying it again brings it back.')
  @Needs('operator')
  @Delete('pipelines/:name')
  @HttpCode(204)
  @ApiNoContentResponse()
  @Problems('not_found')
  deletePipeline(@Caller() caller: Principal, @Param('name') name: string): Promise<void> {
    return this.service.remove(caller, name)
  }

  @Summary('Versions of a pipeline')
  @Get('pipelines/:name/versions')
  @ApiPage(PipelineVersionDto)
  @Problems('invalid_request', 'not_found')
  listPipelineVersions(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query() query: PageQueryDto,
  ): Promise<Page<PipelineVersionDto>> {
    return this.service.versions(caller, name, query)
  }

  @Summary('One version of a pipeline')
  @Get('pipelines/:name/versions/:version')
  @ApiOkResponse({ type: PipelineVersionDto })
  @Problems('not_found')
  getPipelineVersion(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('version', VersionParam) version: number | 'latest',
  ): Promise<PipelineVersionDto> {
    return this.service.version(caller, name, version === 'latest' ? undefined : version)
  }

  @Summary('The step library: what each kind of step takes and gives')
  @Get('pipeline-step-types')
  @ApiPage(StepTypeDto)
  listStepTypes(): Page<StepTypeDto> {
    return this.service.stepTypes()
  }
}
