import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common'
import { ApiAcceptedResponse, ApiExtraModels, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import type { FastifyReply } from 'fastify'
import type { VersionSelector } from '../../domain/data/selector.js'
import type { Page } from '../../contracts/rest/common.js'
import { SelectorParam } from '../data/selector-param.js'
import { Caller } from '../http/caller.js'
import { ApiDownload } from '../http/download.js'
import { ApiIdempotencyKey, type Idempotency, IdempotencyKey } from '../http/idempotency.js'
import { ApiPage, PageQueryDto } from '../http/paging.js'
import { IdParam } from '../http/params.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { located } from '../runs/located.js'
import {
  ColumnDeclarationDto,
  CommitDatasetDto,
  DatasetCommitDto,
  DatasetDto,
  DatasetVersionDto,
  ExpectationDto,
  RowsDto,
  RowsQueryDto,
} from './datasets.dto.js'
import { DatasetsService } from './datasets.service.js'

@ApiTags('datasets')
@ApiExtraModels(ColumnDeclarationDto, ExpectationDto)
@Needs('viewer')
@Controller('v1/datasets')
export class DatasetsController {
  constructor(@Inject(DatasetsService) private readonly service: DatasetsService) {}

  @Summary('Commits an upload as the next version', 'The dataset is made by its first version.')
  @Needs('operator')
  @Post(':name/versions')
  @HttpCode(202)
  @ApiIdempotencyKey()
  @ApiAcceptedResponse({ type: DatasetCommitDto })
  @Problems(
    'invalid_request',
    'not_found',
    'idempotency_key_reused',
    'unknown_column',
    'no_table',
    'version_retired',
    'transformation_mismatch',
  )
  async commitDataset(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: CommitDatasetDto,
    @IdempotencyKey() idempotency: Idempotency | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DatasetCommitDto> {
    return located(reply, await this.service.commit(caller, name, body, idempotency))
  }

  @Summary('A commit under way or ended')
  @Get(':name/commits/:id')
  @ApiOkResponse({ type: DatasetCommitDto })
  @Problems('not_found')
  getDatasetCommit(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('id', IdParam) id: string,
  ): Promise<DatasetCommitDto> {
    return this.service.getCommit(caller, name, id)
  }

  @Summary('Datasets')
  @Get()
  @ApiPage(DatasetDto)
  @Problems('invalid_request')
  listDatasets(@Caller() caller: Principal, @Query() query: PageQueryDto): Promise<Page<DatasetDto>> {
    return this.service.list(caller, query)
  }

  @Summary('One dataset')
  @Get(':name')
  @ApiOkResponse({ type: DatasetDto })
  @Problems('not_found')
  getDataset(@Caller() caller: Principal, @Param('name') name: string): Promise<DatasetDto> {
    return this.service.get(caller, name)
  }

  @Summary('Versions of a dataset')
  @Get(':name/versions')
  @ApiPage(DatasetVersionDto)
  @Problems('invalid_request', 'not_found')
  listDatasetVersions(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query() query: PageQueryDto,
  ): Promise<Page<DatasetVersionDto>> {
    return this.service.versions(caller, name, query)
  }

  @Summary('One version, by number, `latest`, branch, tag, or instant in braces')
  @Get(':name/versions/:version')
  @ApiOkResponse({ type: DatasetVersionDto })
  @Problems('not_found')
  getDatasetVersion(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('version', SelectorParam) version: VersionSelector,
  ): Promise<DatasetVersionDto> {
    return this.service.version(caller, name, version)
  }

  @Summary('Rows of a version, in the order of the file')
  @Get(':name/versions/:version/rows')
  @ApiOkResponse({ type: RowsDto })
  @Problems('invalid_request', 'not_found', 'version_retired', 'object_missing', 'object_corrupt')
  readDatasetRows(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('version', SelectorParam) version: VersionSelector,
    @Query() query: RowsQueryDto,
  ): Promise<RowsDto> {
    return this.service.readRows(caller, name, version, query)
  }

  @Summary(
    'Downloads data.parquet, what it was made from (raw.csv, raw.jsonl, raw.parquet, raw.arrow or predictions.parquet), or quarantine.jsonl',
  )
  @Get(':name/versions/:version/artifacts/:artifact')
  @ApiDownload()
  @Problems('not_found', 'version_retired', 'object_missing', 'object_corrupt')
  downloadDatasetArtifact(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('version', SelectorParam) version: VersionSelector,
    @Param('artifact') artifact: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.service.download(caller, name, version, artifact, reply)
  }
}
