import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Put, Query } from '@nestjs/common'
import { ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import type { Page } from '../../contracts/rest/common.js'
import { Caller } from '../http/caller.js'
import { ApiPage, PageQueryDto } from '../http/paging.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { PoolClaimDto, PoolClaimsQueryDto, PoolDto, PutPoolDto } from './pools.dto.js'
import { PoolsService } from './pools.service.js'

@ApiTags('pools')
@Needs('viewer')
@Controller('v1/pools')
export class PoolsController {
  constructor(@Inject(PoolsService) private readonly service: PoolsService) {}

  @Summary(
    'Makes a pool of slots that steps share, or changes it',
    'Room that there is now is given to those that wait. Where it becomes smaller, what is held stays until its step ends.',
  )
  @Needs('operator')
  @Put(':name')
  @ApiOkResponse({ type: PoolDto })
  @Problems('invalid_request')
  putPool(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: PutPoolDto,
  ): Promise<PoolDto> {
    return this.service.put(caller, name, body)
  }

  @Summary('Pools')
  @Get()
  @ApiPage(PoolDto)
  @Problems('invalid_request')
  listPools(@Caller() caller: Principal, @Query() query: PageQueryDto): Promise<Page<PoolDto>> {
    return this.service.list(caller, query)
  }

  @Summary('One pool, and how much of it is taken')
  @Get(':name')
  @ApiOkResponse({ type: PoolDto })
  @Problems('not_found')
  getPool(@Caller() caller: Principal, @Param('name') name: string): Promise<PoolDto> {
    return this.service.get(caller, name)
  }

  @Summary('Which steps have slots of a pool, and which wait for them', 'The newest first.')
  @Get(':name/claims')
  @ApiPage(PoolClaimDto)
  @Problems('invalid_request', 'not_found')
  listPoolClaims(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query() query: PoolClaimsQueryDto,
  ): Promise<Page<PoolClaimDto>> {
    return this.service.claims(caller, name, query)
  }

  @Summary('Deletes a pool', 'Not while a step has slots of it or waits for them, or a pipeline names it.')
  @Needs('operator')
  @Delete(':name')
  @HttpCode(204)
  @ApiNoContentResponse()
  @Problems('not_found', 'pool_in_use')
  deletePool(@Caller() caller: Principal, @Param('name') name: string): Promise<void> {
    return this.service.remove(caller, name)
  }
}
