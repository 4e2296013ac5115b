import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common'
import { ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import type { Page } from '../../contracts/rest/common.js'
import { BodyLimit } from '../http/body-limit.js'
import { Caller } from '../http/caller.js'
import { ApiPage, PageQueryDto } from '../http/paging.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import {
  ApplyAssetsDto,
  AssetDto,
  AssetPartitionsDto,
  AssetsAppliedDto,
  AssetsQueryDto,
  AssetSummaryDto,
  AssetVersionDto,
  ChangePartitionsDto,
  MaterialisationDto,
  MaterialisationsQueryDto,
  MAX_ASSETS_BYTES,
  PartitionsChangedDto,
  PartitionsQueryDto,
} from './assets.dto.js'
import { AssetsService } from './assets.service.js'

@ApiTags('assets')
@Needs('viewer')
@Controller('v1/assets')
export class AssetsController {
  constructor(@Inject(AssetsService) private readonly service: AssetsService) {}

  @Summary(
    'Applies definitions of assets',
    'Each becomes the newest version of its asset, unless it is that already; all of them or none. They are judged together with all others of the project.',
  )
  @Needs('operator')
  @Post()
  @HttpCode(200)
  @BodyLimit(MAX_ASSETS_BYTES)
  @ApiOkResponse({ type: AssetsAppliedDto })
  @Problems('invalid_request', 'asset_invalid')
  applyAssets(@Caller() caller: Principal, @Body() body: ApplyAssetsDto): Promise<AssetsAppliedDto> {
    return this.service.apply(caller, body)
  }

  @Summary('Assets, and whether they are fresh', 'By name.')
  @Get()
  @ApiPage(AssetSummaryDto)
  @Problems('invalid_request')
  listAssets(@Caller() caller: Principal, @Query() query: AssetsQueryDto): Promise<Page<AssetSummaryDto>> {
    return this.service.list(caller, query)
  }

  @Summary('One asset, and why it is not fresh')
  @Get(':name')
  @ApiOkResponse({ type: AssetDto })
  @Problems('not_found')
  getAsset(@Caller() caller: Principal, @Param('name') name: string): Promise<AssetDto> {
    return this.service.get(caller, name)
  }

  @Summary('Deletes an asset', 'What was made of it stays known; applying it again brings it back.')
  @Needs('operator')
  @Delete(':name')
  @HttpCode(204)
  @ApiNoContentResponse()
  @Problems('not_found', 'wrong_state')
  deleteAsset(@Caller() caller: Principal, @Param('name') name: string): Promise<void> {
    return this.service.remove(caller, name)
  }

  @Summary('Versions of the definition of an asset')
  @Get(':name/versions')
  @ApiPage(AssetVersionDto)
  @Problems('invalid_request', 'not_found')
  listAssetVersions(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query() query: PageQueryDto,
  ): Promise<Page<AssetVersionDto>> {
    return this.service.versions(caller, name, query)
  }

  @Summary(
    'Partitions of an asset, each with its state',
    'One without partitions has one, with an empty key.',
  )
  @Get(':name/partitions')
  @ApiOkResponse({ type: AssetPartitionsDto })
  @Problems('invalid_request', 'not_found')
  listAssetPartitions(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query() query: PartitionsQueryDto,
  ): Promise<AssetPartitionsDto> {
    return this.service.partitions(caller, name, query)
  }

  @Summary('Adds and removes keys of dynamic partitions')
  @Needs('operator')
  @Post(':name/partitions')
  @HttpCode(200)
  @BodyLimit(MAX_ASSETS_BYTES)
  @ApiOkResponse({ type: PartitionsChangedDto })
  @Problems('invalid_request', 'not_found', 'wrong_state')
  changeAssetPartitions(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: ChangePartitionsDto,
  ): Promise<PartitionsChangedDto> {
    return this.service.changePartitions(caller, name, body)
  }

  @Summary('What was made of an asset, by which run and from what')
  @Get(':name/materialisations')
  @ApiPage(MaterialisationDto)
  @Problems('invalid_request', 'not_found')
  listMaterialisations(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query() query: MaterialisationsQueryDto,
  ): Promise<Page<MaterialisationDto>> {
    return this.service.materialisations(caller, name, query)
  }
}
