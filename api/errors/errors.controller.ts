import { Controller, Get, Inject, Param, Query } from '@nestjs/common'
import { ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { Caller } from '../http/caller.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { DeploymentErrorsDto, ErrorsQueryDto } from './errors.dto.js'
import { ErrorsService } from './errors.service.js'

@ApiTags('deployments')
@Needs('viewer')
@Controller('v1/deployments')
export class ErrorsController {
  constructor(@Inject(ErrorsService) private readonly service: ErrorsService) {}

  @Summary('Errors of versions by month of event time, on rows whose labels are known')
  @Get(':name/errors')
  @ApiOkResponse({ type: DeploymentErrorsDto })
  @Problems('invalid_request', 'not_found')
  getDeploymentErrors(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query() { versions, sameRows = false }: ErrorsQueryDto,
  ): Promise<DeploymentErrorsDto> {
    return this.service.byMonth(caller, name, versions.split(',').map(Number), sameRows)
  }
}
