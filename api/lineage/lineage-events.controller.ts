import { Controller, Get, Inject, Query } from '@nestjs/common'
import { ApiTags } from '@nestjs/swagger'
import type { Page } from '../../contracts/rest/common.js'
import type { LineageEvent } from '../../contracts/rest/lineage.js'
import type { LineageEventRow } from '../../stores/postgres/entities/lineage.js'
import { LineageEventStore } from '../../stores/postgres/lineage-event-store.js'
import { Caller } from '../http/caller.js'
import { ApiPage, mapPage } from '../http/paging.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { LineageEventDto, LineageEventsQueryDto } from './lineage.dto.js'

@ApiTags('lineage')
@Needs('viewer')
@Controller('v1/lineage-events')
export class LineageEventsController {
  constructor(@Inject(LineageEventStore) private readonly events: LineageEventStore) {}

  @Summary(
    'What the receiver of OpenLineage events is owed, and was sent',
    'Of the last seven days. Nothing is sent where `lineage.url` is not configured.',
  )
  @Get()
  @ApiPage(LineageEventDto)
  @Problems('invalid_request')
  async listLineageEvents(
    @Caller() { project }: Principal,
    @Query() query: LineageEventsQueryDto,
  ): Promise<Page<LineageEvent>> {
    return mapPage(await this.events.list(project, query), eventView)
  }
}

function eventView(row: LineageEventRow): LineageEvent {
  const { runId, attempt, type, occurredAt, tries, sentAt, refusedAt, dueAt, lastError } = row
  const state = sentAt !== null ? 'sent' : refusedAt !== null ? 'refused' : 'owed'
  return {
    run: runId,
    attempt,
    type,
    at: occurredAt.toISOString(),
    state,
    tries,
    dueAt: state === 'owed' ? dueAt.toISOString() : null,
    sentAt: sentAt?.toISOString() ?? null,
    error: lastError,
  }
}
