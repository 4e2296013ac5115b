import { Body, Controller, Get, Inject, Param, Put } from '@nestjs/common'
import { ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { Caller } from '../http/caller.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { MonitoringDto, SetMonitoringDto } from './monitoring.dto.js'
import { MonitoringService } from './monitoring.service.js'

@ApiTags('monitoring')
@Needs('viewer')
@Controller('v1/deployments/:name/monitoring')
export class MonitoringController {
  constructor(@Inject(MonitoringService) private readonly service: MonitoringService) {}

  @Summary(
    'Says how a deployment is watched',
    'As a whole: what is left out gets its default. Windows of before are assessed again under the new policy.',
  )
  @Needs('operator')
  @Put()
  @ApiOkResponse({ type: MonitoringDto })
  @Problems('invalid_request', 'not_found', 'not_deployed')
  setMonitoring(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: SetMonitoringDto,
  ): Promise<MonitoringDto> {
    return this.service.set(caller, name, body)
  }

  @Summary('How a deployment is watched, and which windows wait')
  @Get()
  @ApiOkResponse({ type: MonitoringDto })
  @Problems('not_found')
  getMonitoring(@Caller() caller: Principal, @Param('name') name: string): Promise<MonitoringDto> {
    return this.service.get(caller, name)
  }
}
