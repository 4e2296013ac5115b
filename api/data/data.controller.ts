import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Query, Res } from '@nestjs/common'
import { ApiAcceptedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import type { FastifyReply } from 'fastify'
import type { Page } from '../../contracts/rest/common.js'
import type { VersionSelector } from '../../domain/data/selector.js'
import { BodyLimit } from '../http/body-limit.js'
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
  DataChangeDto,
  DataFileDto,
  DataPullDto,
  DataRefDto,
  DiffQueryDto,
  FileQueryDto,
  FilesQueryDto,
  MAX_CHUNKS_BYTES,
  MoveRefDto,
  PullProgressDto,
  ReadChunksDto,
  StartPullDto,
} from './data.dto.js'
import { FilesService } from './files.service.js'
import { PullsService } from './pulls.service.js'
import { RefsService } from './refs.service.js'
import { SelectorParam } from './selector-param.js'

@ApiTags('data')
@Needs('viewer')
@Controller('v1/datasets/:name')
export class DataController {
  constructor(
    @Inject(FilesService) private readonly files: FilesService,
    @Inject(PullsService) private readonly pulls: PullsService,
    @Inject(RefsService) private readonly refs: RefsService,
  ) {}

  @Summary('Files of a version, by path')
  @Get('versions/:version/files')
  @ApiPage(DataFileDto)
  @Problems(
    'invalid_request',
    'not_found',
    'version_retired',
    'wrong_state',
    'object_missing',
    'object_corrupt',
  )
  listFiles(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('version', SelectorParam) version: VersionSelector,
    @Query() query: FilesQueryDto,
  ): Promise<Page<DataFileDto>> {
    return this.files.list(caller, name, version, query)
  }

  @Summary('Downloads a file of a version')
  @Get('versions/:version/file')
  @ApiDownload()
  @Problems('not_found', 'version_retired', 'wrong_state', 'object_missing', 'object_corrupt')
  downloadFile(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('version', SelectorParam) version: VersionSelector,
    @Query() { path }: FileQueryDto,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.files.download(caller, name, version, path, reply)
  }

  @Summary('What one version has otherwise than another, by path', 'Of tables `table-diff` says more.')
  @Get('diff')
  @ApiPage(DataChangeDto)
  @Problems(
    'invalid_request',
    'not_found',
    'version_retired',
    'wrong_state',
    'object_missing',
    'object_corrupt',
  )
  diffVersions(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query() query: DiffQueryDto,
  ): Promise<Page<DataChangeDto>> {
    return this.files.diff(caller, name, query)
  }

  @Summary('Chunks, as a pack of them', 'As docs/reference/dataset-format.md has it. Verify each.')
  @Post('chunks')
  @HttpCode(200)
  @BodyLimit(MAX_CHUNKS_BYTES)
  @ApiDownload()
  @Problems('invalid_request', 'object_missing', 'object_corrupt')
  readChunks(
    @Caller() caller: Principal,
    @Body() { chunks, whole = false }: ReadChunksDto,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.files.chunks(caller, chunks, whole, reply)
  }

  @Summary('Begins to read a version', 'It stays readable for a day after the last request about it.')
  @Post('pulls')
  @HttpCode(202)
  @ApiIdempotencyKey()
  @ApiAcceptedResponse({ type: DataPullDto })
  @Problems('invalid_request', 'not_found', 'version_retired', 'wrong_state', 'idempotency_key_reused')
  async startPull(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: StartPullDto,
    @IdempotencyKey() idempotency: Idempotency | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DataPullDto> {
    return located(reply, await this.pulls.start(caller, name, body, idempotency))
  }

  @Summary('A pull under way or ended')
  @Get('pulls/:id')
  @ApiOkResponse({ type: DataPullDto })
  @Problems('not_found')
  getPull(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('id', IdParam) id: string,
  ): Promise<DataPullDto> {
    return this.pulls.get(caller, name, id)
  }

  @Summary('Says how far the reader is')
  @Post('pulls/:id/progress')
  @HttpCode(200)
  @ApiOkResponse({ type: DataPullDto })
  @Problems('invalid_request', 'not_found', 'wrong_state', 'transfer_expired')
  reportPull(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('id', IdParam) id: string,
    @Body() body: PullProgressDto,
  ): Promise<DataPullDto> {
    return this.pulls.progress(caller, name, id, body)
  }

  @Summary('Branches')
  @Get('branches')
  @ApiPage(DataRefDto)
  @Problems('invalid_request', 'not_found')
  listBranches(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query() query: PageQueryDto,
  ): Promise<Page<DataRefDto>> {
    return this.refs.list(caller, name, 'branch', query)
  }

  @Summary('Makes a branch, or moves it')
  @Needs('operator')
  @Put('branches/:ref')
  @ApiOkResponse({ type: DataRefDto })
  @Problems('invalid_request', 'not_found', 'already_exists', 'branch_moved', 'version_retired')
  moveBranch(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('ref') ref: string,
    @Body() body: MoveRefDto,
  ): Promise<DataRefDto> {
    return this.refs.move(caller, name, { kind: 'branch', name: ref }, body)
  }

  @Summary('Removes a branch', 'Its versions stay.')
  @Needs('operator')
  @Delete('branches/:ref')
  @HttpCode(204)
  @ApiNoContentResponse()
  @Problems('not_found')
  removeBranch(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('ref') ref: string,
  ): Promise<void> {
    return this.refs.remove(caller, name, { kind: 'branch', name: ref })
  }

  @Summary('Tags')
  @Get('tags')
  @ApiPage(DataRefDto)
  @Problems('invalid_request', 'not_found')
  listTags(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query() query: PageQueryDto,
  ): Promise<Page<DataRefDto>> {
    return this.refs.list(caller, name, 'tag', query)
  }

  @Summary('Makes a tag, or moves it')
  @Needs('operator')
  @Put('tags/:ref')
  @ApiOkResponse({ type: DataRefDto })
  @Problems('invalid_request', 'not_found', 'already_exists', 'branch_moved', 'version_retired')
  moveTag(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('ref') ref: string,
    @Body() body: MoveRefDto,
  ): Promise<DataRefDto> {
    return this.refs.move(caller, name, { kind: 'tag', name: ref }, body)
  }

  @Summary('Removes a tag')
  @Needs('operator')
  @Delete('tags/:ref')
  @HttpCode(204)
  @ApiNoContentResponse()
  @Problems('not_found')
  removeTag(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('ref') ref: string,
  ): Promise<void> {
    return this.refs.remove(caller, name, { kind: 'tag', name: ref })
  }
}
