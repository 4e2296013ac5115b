import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common'
import { ApiOkResponse, ApiTags } from '@nestjs/swagger'
import type { Page } from '../../contracts/rest/common.js'
import { BodyLimit } from '../http/body-limit.js'
import { Caller } from '../http/caller.js'
import { ApiPage, PageQueryDto } from '../http/paging.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { LabelHistoryDto, LabelsAcceptedDto, SendLabelsDto, UnknownLabelDto } from './labels.dto.js'
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
      'holds from then on. Predictions need not have been ingested yet: a label is held until its own is, and ' +
      'reported when that takes longer than the hold time.',
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

  @Summary(
    'Labels without a prediction',
    'No prediction of their id was there within the hold time; the latest report first. They stay, and one ' +
      'whose prediction still comes leaves the list. (So the label of an id that reads `unknown` has no page of its own.)',
  )
  @Get('unknown')
  @ApiPage(UnknownLabelDto)
  @Problems('invalid_request', 'not_found')
  listUnknownLabels(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query() query: PageQueryDto,
  ): Promise<Page<UnknownLabelDto>> {
    return this.service.unknown(caller, name, query)
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
