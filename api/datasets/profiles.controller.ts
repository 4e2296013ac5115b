import { Controller, Get, Inject, Param, Query, Res } from '@nestjs/common'
import { ApiOkResponse, ApiProduces, ApiTags } from '@nestjs/swagger'
import type { FastifyReply } from 'fastify'
import type { VersionSelector } from '../../domain/data/selector.js'
import { SelectorParam } from '../data/selector-param.js'
import { Caller } from '../http/caller.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { ProfileDiffDto, ProfileDiffQueryDto, TableDiffDto, TableProfileDto } from './profiles.dto.js'
import { ProfilesService } from './profiles.service.js'

@ApiTags('datasets')
@Needs('viewer')
@Controller('v1/datasets/:name')
export class ProfilesController {
  constructor(@Inject(ProfilesService) private readonly service: ProfilesService) {}

  @Summary('What the rows of a version are like, and what to look at before they are used')
  @Get('versions/:version/profile')
  @ApiOkResponse({ type: TableProfileDto })
  @Problems('not_found', 'no_table', 'wrong_state', 'version_retired')
  getDatasetProfile(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('version', SelectorParam) version: VersionSelector,
  ): Promise<TableProfileDto> {
    return this.service.get(caller, name, version)
  }

  @Summary('The profile of a version for people, one HTML file')
  @Get('versions/:version/profile.html')
  @ApiProduces('text/html')
  @ApiOkResponse({ schema: { type: 'string' } })
  @Problems('not_found', 'no_table', 'wrong_state', 'version_retired')
  getDatasetProfilePage(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('version', SelectorParam) version: VersionSelector,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.service.page(caller, name, version, reply)
  }

  @Summary('What the rows of one version are like otherwise than those of another')
  @Get('profile-diff')
  @ApiOkResponse({ type: ProfileDiffDto })
  @Problems('invalid_request', 'not_found', 'no_table', 'wrong_state', 'version_retired')
  getDatasetProfileDiff(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query() query: ProfileDiffQueryDto,
  ): Promise<ProfileDiffDto> {
    return this.service.diff(caller, name, query)
  }

  @Summary(
    'What the table of one version has otherwise than that of another',
    'Rows, columns and their types, and how differently values are distributed. Its files are at `diff`.',
  )
  @Get('table-diff')
  @ApiOkResponse({ type: TableDiffDto })
  @Problems('invalid_request', 'not_found', 'version_retired', 'wrong_state')
  getDatasetTableDiff(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query() query: ProfileDiffQueryDto,
  ): Promise<TableDiffDto> {
    return this.service.tableDiff(caller, name, query)
  }

  @Summary('Two profiles side by side for people, one HTML file')
  @Get('profile-diff.html')
  @ApiProduces('text/html')
  @ApiOkResponse({ schema: { type: 'string' } })
  @Problems('invalid_request', 'not_found', 'no_table', 'wrong_state', 'version_retired')
  getDatasetProfileDiffPage(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query() query: ProfileDiffQueryDto,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.service.diffPage(caller, name, query, reply)
  }
}
