import { Body, Controller, Get, HttpCode, Inject, Param, Post, Put, Query } from '@nestjs/common'
import { ApiOkResponse, ApiTags } from '@nestjs/swagger'
import type { Page } from '../../contracts/rest/common.js'
import { BodyLimit } from '../http/body-limit.js'
import { Caller } from '../http/caller.js'
import { ApiPage, PageQueryDto } from '../http/paging.js'
import { VersionParam } from '../http/params.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import {
  ImportedSuiteDto,
  ImportSuiteDto,
  InferredSuiteDto,
  InferSuiteDto,
  PutSuiteDto,
  SuitePutDto,
  SuiteSummaryDto,
  SuiteVersionDto,
} from './suites.dto.js'
import { SuitesService } from './suites.service.js'

/** Enough for the largest suite, written with white space. */
const MAX_BODY_BYTES = 2 ** 23

@ApiTags('datasets')
@Needs('viewer')
@Controller('v1/datasets/:name/expectations')
export class SuitesController {
  constructor(@Inject(SuitesService) private readonly service: SuitesService) {}

  @Summary(
    'Says what is expected of a dataset',
    'The suite becomes the current one, by which commits are checked that bring no expectations. Content that there was before is that version again. A dataset may have a suite before it has a version. An empty list expects nothing.',
  )
  @Needs('operator')
  @Put()
  @BodyLimit(MAX_BODY_BYTES)
  @ApiOkResponse({ type: SuitePutDto })
  @Problems('invalid_request', 'unknown_column', 'suite_moved')
  putDatasetSuite(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: PutSuiteDto,
  ): Promise<SuitePutDto> {
    return this.service.put(caller, name, body)
  }

  @Summary('The current suite of a dataset')
  @Get()
  @ApiOkResponse({ type: SuiteVersionDto })
  @Problems('not_found')
  getDatasetSuite(@Caller() caller: Principal, @Param('name') name: string): Promise<SuiteVersionDto> {
    return this.service.get(caller, name)
  }

  @Summary('Versions of the suite of a dataset')
  @Get('versions')
  @ApiPage(SuiteSummaryDto)
  @Problems('invalid_request', 'not_found')
  listDatasetSuites(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query() query: PageQueryDto,
  ): Promise<Page<SuiteSummaryDto>> {
    return this.service.versions(caller, name, query)
  }

  @Summary('One version of the suite of a dataset', '`latest` is the current one.')
  @Get('versions/:version')
  @ApiOkResponse({ type: SuiteVersionDto })
  @Problems('not_found')
  getDatasetSuiteVersion(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('version', VersionParam) version: number | 'latest',
  ): Promise<SuiteVersionDto> {
    return this.service.get(caller, name, version === 'latest' ? undefined : version)
  }

  @Summary(
    'Reads a suite of Great Expectations',
    'The answer is the suite and what was not taken over. Nothing is kept: put the suite once it is right.',
  )
  @Post('import')
  @HttpCode(200)
  @BodyLimit(MAX_BODY_BYTES)
  @ApiOkResponse({ type: ImportedSuiteDto })
  @Problems('invalid_request')
  importDatasetSuite(@Body() body: ImportSuiteDto): ImportedSuiteDto {
    return this.service.importFrom(body)
  }

  @Summary(
    'Makes a suite to start from, by the profile of a version',
    'Nothing is kept: put the suite once it is right.',
  )
  @Post('infer')
  @HttpCode(200)
  @ApiOkResponse({ type: InferredSuiteDto })
  @Problems('invalid_request', 'not_found', 'no_table', 'version_retired', 'wrong_state')
  inferDatasetSuite(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: InferSuiteDto,
  ): Promise<InferredSuiteDto> {
    return this.service.infer(caller, name, body)
  }
}
