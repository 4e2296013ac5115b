import { Body, Controller, Get, HttpCode, Inject, Param, Post, Put } from '@nestjs/common'
import { ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { MlforgeError } from '../../domain/errors.js'
import { Caller } from '../http/caller.js'
import { VersionParam } from '../http/params.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { DatasetRetentionDto, PurgedVersionDto, PurgeVersionDto, SetRetentionDto } from './collections.dto.js'
import { RetentionService } from './retention.service.js'

@ApiTags('data')
@Controller('v1/datasets/:name')
export class RetentionController {
  constructor(@Inject(RetentionService) private readonly service: RetentionService) {}

  @Summary('Which versions are kept')
  @Needs('viewer')
  @Get('retention')
  @ApiOkResponse({ type: DatasetRetentionDto })
  @Problems('not_found')
  getRetention(@Caller() caller: Principal, @Param('name') name: string): Promise<DatasetRetentionDto> {
    return this.service.get(caller, name)
  }

  @Summary(
    'Says which versions are kept',
    'Others are retired by the next collection: their files cannot be read any more. What a branch, a tag, a model, a training or a run under way names is kept in any case.',
  )
  @Needs('admin')
  @Put('retention')
  @ApiOkResponse({ type: DatasetRetentionDto })
  @Problems('invalid_request', 'not_found')
  setRetention(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: SetRetentionDto,
  ): Promise<DatasetRetentionDto> {
    return this.service.set(caller, name, body)
  }

  @Summary(
    'Erases a version',
    'Who, when and why stays. It cannot be read from now on. Within a minute its table goes, its profile, and what was found by checks of it, where no other version has them; the next collection removes the chunks of its files that no other version has.',
  )
  @Needs('admin')
  @Post('versions/:version/purge')
  @HttpCode(200)
  @ApiOkResponse({ type: PurgedVersionDto })
  @Problems('invalid_request', 'not_found', 'wrong_state')
  purgeVersion(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('version', VersionParam) version: number | 'latest',
    @Body() { reason }: PurgeVersionDto,
  ): Promise<PurgedVersionDto> {
    if (version !== 'latest') return this.service.purge(caller, name, version, reason)
    throw new MlforgeError('not_found', 'What is to be erased is named by its number.')
  }
}
