import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common'
import { ApiCreatedResponse, ApiNoContentResponse, ApiTags } from '@nestjs/swagger'
import type { Page } from '../../contracts/rest/common.js'
import { Caller } from '../http/caller.js'
import { ApiPage, PageQueryDto } from '../http/paging.js'
import { IdParam } from '../http/params.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { CreatedKeyDto, CreateKeyDto, KeyDto } from './keys.dto.js'
import { KeysService } from './keys.service.js'

@ApiTags('keys')
@Needs('admin')
@Controller('v1/keys')
export class KeysController {
  constructor(@Inject(KeysService) private readonly service: KeysService) {}

  @Summary('Makes a key; only this answer carries it.')
  @Post()
  @ApiCreatedResponse({ type: CreatedKeyDto })
  @Problems('invalid_request', 'already_exists')
  createKey(@Caller() caller: Principal, @Body() body: CreateKeyDto): Promise<CreatedKeyDto> {
    return this.service.create(caller, body)
  }

  @Summary('Keys that are not revoked.')
  @Get()
  @ApiPage(KeyDto)
  @Problems('invalid_request')
  listKeys(@Caller() caller: Principal, @Query() query: PageQueryDto): Promise<Page<KeyDto>> {
    return this.service.list(caller, query)
  }

  @Summary('Ends a key: here at once, in other processes within five seconds.')
  @Delete(':id')
  @HttpCode(204)
  @ApiNoContentResponse()
  @Problems('not_found')
  revokeKey(@Caller() caller: Principal, @Param('id', IdParam) id: string): Promise<void> {
    return this.service.revoke(caller, id)
  }
}
