import { Body, Controller, Get, Inject, Param, Put } from '@nestjs/common'
import { ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { Caller } from '../http/caller.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { RetrainingDto, SetRetrainingDto } from './retraining.dto.js'
import { RetrainingService } from './retraining.service.js'

@ApiTags('incidents')
@Needs('viewer')
@Controller('v1/deployments/:name/retraining')
export class RetrainingController {
  constructor(@Inject(RetrainingService) private readonly service: RetrainingService) {}

  @Summary(
    'Says how incidents retrain a deployment',
    'As a whole: what is left out gets its default. Open incidents go by it from their next look on.',
  )
  @Needs('operator')
  @Put()
  @ApiOkResponse({ type: RetrainingDto })
  @Problems('invalid_request', 'not_found')
  setRetraining(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: SetRetrainingDto,
  ): Promise<RetrainingDto> {
    return this.service.set(caller, name, body)
  }

  @Summary('How incidents retrain a deployment')
  @Get()
  @ApiOkResponse({ type: RetrainingDto })
  @Problems('not_found')
  getRetraining(@Caller() caller: Principal, @Param('name') name: string): Promise<RetrainingDto> {
    return this.service.get(caller, name)
  }
}
