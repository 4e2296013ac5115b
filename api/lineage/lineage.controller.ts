import { Controller, Get, Inject, Param, Query } from '@nestjs/common'
import { ApiOkResponse, ApiParam, ApiTags } from '@nestjs/swagger'
import type { Lineage } from '../../contracts/rest/lineage.js'
import { NODE_RULE } from '../../domain/lineage/nodes.js'
import { Caller } from '../http/caller.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { LineageDto, LineageQueryDto } from './lineage.dto.js'
import { LineageService } from './lineage.service.js'

@ApiTags('lineage')
@Needs('viewer')
@Controller('v1/lineage')
export class LineageController {
  constructor(@Inject(LineageService) private readonly service: LineageService) {}

  @Summary(
    'What something was made from, and what was made of it',
    'Runs are between: a run leads from what its steps have read to what they have written, and to the runs that it has started.',
  )
  @Get(':id')
  @ApiParam({ name: 'id', description: `${NODE_RULE}; an id of a run alone is that run` })
  @ApiOkResponse({ type: LineageDto })
  @Problems('invalid_request', 'not_found')
  getLineage(
    @Caller() caller: Principal,
    @Param('id') id: string,
    @Query() query: LineageQueryDto,
  ): Promise<Lineage> {
    return this.service.get(caller, id, query)
  }
}
