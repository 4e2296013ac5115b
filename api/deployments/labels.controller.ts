import { Body, Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common'
import { ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { BodyLimit } from '../http/body-limit.js'
import { Caller } from '../http/caller.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { LabelHistoryDto, LabelsAcceptedDto, SendLabelsDto } from './labels.dto.js'
import { LabelsService } from './labels.service.js'

/** Enough for as many labels as a request may have, with ids as long as they may be. */
const MAX_BODY_BYTES = 4 * 2 ** 20

@ApiTags('deployments')
@Needs('viewer')
@Controller('v1/deployments/:name/labels')
export class LabelsController {
  constructor(@Inject(LabelsService) private readonly service: LabelsService) {}

  @Summary(
    'Says what really happened',
    'All are kept or none. The same value again changes nothing; another one is kept beside the first and ' +
      'holds from then on. Predictions need not have been ingested yet.',
  )
  @Needs('operator')
  @Post()
  @HttpCode(200)
  @BodyLimit(MAX_BODY_BYTES)
  @ApiOkResponse({ type: LabelsAcceptedDto })
  @Problems('invalid_request', 'not_found')
  sendLabels(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: SendLabelsDto,
  ): Promise<LabelsAcceptedDto> {
    return this.service.add(caller, name, body)
  }

  @Summary('Every value that the label of a prediction has had')
  @Get(':predictionId')
  @ApiOkResponse({ type: LabelHistoryDto })
  @Problems('invalid_request', 'not_found')
  getLabel(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('predictionId') predictionId: string,
  ): Promise<LabelHistoryDto> {
    return this.service.history(caller, name, predictionId)
  }
}
