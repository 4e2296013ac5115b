import { Controller, Get, Inject, Param, Query, Res } from '@nestjs/common'
import { ApiOkResponse, ApiProduces, ApiTags } from '@nestjs/swagger'
import type { FastifyReply } from 'fastify'
import type { Page } from '../../contracts/rest/common.js'
import { Caller } from '../http/caller.js'
import { ApiPage, PageQueryDto } from '../http/paging.js'
import { IdParam } from '../http/params.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { IncidentPageService } from './incident-page.service.js'
import { IncidentDto, IncidentEventDto, IncidentsQueryDto, IncidentSummaryDto } from './incidents.dto.js'
import { IncidentsService } from './incidents.service.js'

@ApiTags('incidents')
@Needs('viewer')
@Controller('v1/incidents')
export class IncidentsController {
  constructor(
    @Inject(IncidentsService) private readonly service: IncidentsService,
    @Inject(IncidentPageService) private readonly pages: IncidentPageService,
  ) {}

  @Summary('Incidents')
  @Get()
  @ApiPage(IncidentSummaryDto)
  @Problems('invalid_request', 'not_found')
  listIncidents(
    @Caller() caller: Principal,
    @Query() query: IncidentsQueryDto,
  ): Promise<Page<IncidentSummaryDto>> {
    return this.service.list(caller, query)
  }

  @Summary('One incident, with what it waits for while it is open')
  @Get(':id')
  @ApiOkResponse({ type: IncidentDto })
  @Problems('not_found')
  getIncident(@Caller() caller: Principal, @Param('id', IdParam) id: string): Promise<IncidentDto> {
    return this.service.get(caller, id)
  }

  @Summary('What has happened in an incident, with the evidence')
  @Get(':id/events')
  @ApiPage(IncidentEventDto)
  @Problems('invalid_request', 'not_found')
  listIncidentEvents(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Query() query: PageQueryDto,
  ): Promise<Page<IncidentEventDto>> {
    return this.service.events(caller, id, query)
  }

  @Summary('The evidence of an incident for people, one HTML file')
  @Get(':id/page')
  @ApiProduces('text/html')
  @ApiOkResponse({ schema: { type: 'string' } })
  @Problems('not_found')
  getIncidentPage(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.pages.send(caller, id, reply)
  }
}
