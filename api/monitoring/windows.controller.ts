import { Controller, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common'
import { ApiAcceptedResponse, ApiOkResponse, ApiProduces, ApiTags } from '@nestjs/swagger'
import type { FastifyReply } from 'fastify'
import type { Page } from '../../contracts/rest/common.js'
import { Caller } from '../http/caller.js'
import { ApiIdempotencyKey, type Idempotency, IdempotencyKey } from '../http/idempotency.js'
import { ApiPage, PageQueryDto } from '../http/paging.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { located } from '../runs/located.js'
import { OperationDto } from '../runs/operation.dto.js'
import { DriftWindowDto, RevisionQueryDto, WindowSummaryDto } from './windows.dto.js'
import { WindowsService } from './windows.service.js'

@ApiTags('monitoring')
@Needs('viewer')
@Controller('v1/deployments/:name/windows')
export class WindowsController {
  constructor(@Inject(WindowsService) private readonly service: WindowsService) {}

  @Summary('Windows that have been assessed', 'The newest window first, each with its latest revision.')
  @Get()
  @ApiPage(WindowSummaryDto)
  @Problems('invalid_request', 'not_found')
  listWindows(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query() query: PageQueryDto,
  ): Promise<Page<WindowSummaryDto>> {
    return this.service.list(caller, name, query)
  }

  @Summary('One window with all its evidence')
  @Get(':windowId')
  @ApiOkResponse({ type: DriftWindowDto })
  @Problems('invalid_request', 'not_found', 'object_missing', 'object_corrupt')
  getWindow(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('windowId') windowId: string,
    @Query() { revision }: RevisionQueryDto,
  ): Promise<DriftWindowDto> {
    return this.service.get(caller, name, windowId, revision)
  }

  @Summary('The report of a window for people, one HTML file')
  @Get(':windowId/report')
  @ApiProduces('text/html')
  @ApiOkResponse({ schema: { type: 'string' } })
  @Problems('invalid_request', 'not_found', 'object_missing', 'object_corrupt')
  getWindowReport(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('windowId') windowId: string,
    @Query() { revision }: RevisionQueryDto,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.service.sendPage(caller, name, windowId, revision, reply)
  }

  @Summary('The report of a window as canonical JSON')
  @Get(':windowId/report.json')
  @ApiOkResponse({ schema: { type: 'object', additionalProperties: true } })
  @Problems('invalid_request', 'not_found', 'object_missing', 'object_corrupt')
  getWindowReportJson(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('windowId') windowId: string,
    @Query() { revision }: RevisionQueryDto,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.service.sendJson(caller, name, windowId, revision, reply)
  }

  @Summary(
    'Asks for a check of a window now',
    'Due windows are checked without being asked for. A check that sees what the latest saw adds no revision.',
  )
  @Needs('operator')
  @Post(':windowId/check')
  @HttpCode(202)
  @ApiIdempotencyKey()
  @ApiAcceptedResponse({ type: OperationDto })
  @Problems('invalid_request', 'not_found', 'wrong_state', 'idempotency_key_reused')
  async checkWindow(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('windowId') windowId: string,
    @IdempotencyKey() idempotency: Idempotency | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OperationDto> {
    return located(reply, await this.service.check(caller, name, windowId, idempotency))
  }
}
