import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Put, Query, Res } from '@nestjs/common'
import { ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import type { FastifyReply } from 'fastify'
import type { Page } from '../../contracts/rest/common.js'
import { Caller } from '../http/caller.js'
import { ApiDownload } from '../http/download.js'
import { ApiPage, PageQueryDto } from '../http/paging.js'
import { VersionParam } from '../http/params.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import {
  AliasChangeDto,
  AliasDto,
  ModelDto,
  ModelVersionDto,
  RemoveAliasQueryDto,
  SetAliasDto,
} from './models.dto.js'
import { ModelsService } from './models.service.js'

@ApiTags('models')
@Needs('viewer')
@Controller('v1/models')
export class ModelsController {
  constructor(@Inject(ModelsService) private readonly service: ModelsService) {}

  @Summary('Models')
  @Get()
  @ApiPage(ModelDto)
  @Problems('invalid_request')
  listModels(@Caller() caller: Principal, @Query() query: PageQueryDto): Promise<Page<ModelDto>> {
    return this.service.list(caller, query)
  }

  @Summary('One model')
  @Get(':name')
  @ApiOkResponse({ type: ModelDto })
  @Problems('not_found')
  getModel(@Caller() caller: Principal, @Param('name') name: string): Promise<ModelDto> {
    return this.service.get(caller, name)
  }

  @Summary('Versions of a model')
  @Get(':name/versions')
  @ApiPage(ModelVersionDto)
  @Problems('invalid_request', 'not_found')
  listModelVersions(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query() query: PageQueryDto,
  ): Promise<Page<ModelVersionDto>> {
    return this.service.versions(caller, name, query)
  }

  @Summary('One version, by number or `latest`')
  @Get(':name/versions/:version')
  @ApiOkResponse({ type: ModelVersionDto })
  @Problems('not_found')
  getModelVersion(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('version', VersionParam) version: number | 'latest',
  ): Promise<ModelVersionDto> {
    return this.service.version(caller, name, version)
  }

  @Summary('Downloads an artifact of a version')
  @Get(':name/versions/:version/artifacts/:artifact')
  @ApiDownload()
  @Problems('not_found', 'object_missing', 'object_corrupt')
  downloadModelArtifact(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('version', VersionParam) version: number | 'latest',
    @Param('artifact') artifact: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.service.download(caller, name, version, artifact, reply)
  }

  @Summary('Aliases of a model')
  @Get(':name/aliases')
  @ApiOkResponse({ type: [AliasDto] })
  @Problems('not_found')
  listAliases(@Caller() caller: Principal, @Param('name') name: string): Promise<AliasDto[]> {
    return this.service.aliases(caller, name)
  }

  @Summary('Points an alias at a version', 'Changes no traffic by itself.')
  @Needs('operator')
  @Put(':name/aliases/:alias')
  @ApiOkResponse({ type: AliasDto })
  @Problems('invalid_request', 'not_found')
  setAlias(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('alias') alias: string,
    @Body() body: SetAliasDto,
  ): Promise<AliasDto> {
    return this.service.setAlias(caller, name, alias, body)
  }

  @Summary('Takes an alias away')
  @Needs('operator')
  @Delete(':name/aliases/:alias')
  @HttpCode(204)
  @ApiNoContentResponse()
  @Problems('invalid_request', 'not_found')
  removeAlias(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('alias') alias: string,
    @Query() { reason }: RemoveAliasQueryDto,
  ): Promise<void> {
    return this.service.removeAlias(caller, name, alias, reason)
  }

  @Summary('Who moved an alias, when and why')
  @Get(':name/aliases/:alias/history')
  @ApiPage(AliasChangeDto)
  @Problems('invalid_request', 'not_found')
  listAliasHistory(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('alias') alias: string,
    @Query() query: PageQueryDto,
  ): Promise<Page<AliasChangeDto>> {
    return this.service.aliasHistory(caller, name, alias, query)
  }
}
