import { Inject, Injectable } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import { backfillPage } from '../../domain/assets/page/page.js'
import { BackfillStore } from '../../stores/postgres/backfill-store.js'
import { PAGE_HEADERS } from '../http/page-headers.js'
import type { Principal } from '../http/request.js'
import { BackfillsService } from './backfills.service.js'

/** How far a backfill is, on one page. */
@Injectable()
export class BackfillPageService {
  constructor(
    @Inject(BackfillsService) private readonly service: BackfillsService,
    @Inject(BackfillStore) private readonly backfills: BackfillStore,
  ) {}

  async send(caller: Principal, id: string, reply: FastifyReply): Promise<void> {
    const [backfill, items] = await Promise.all([this.service.get(caller, id), this.backfills.states(id)])
    const { assets, status, principal, createdAt, seconds, counts, byAsset, paused, error, workflow } =
      backfill
    const page = backfillPage({
      ...{ id, assets, status, principal, seconds, counts, byAsset, paused },
      createdAt: Date.parse(createdAt),
      error: error?.message ?? null,
      workflow: workflow.webUrl,
      items: items.map(item => ({ ...item, error: item.error?.message ?? null })),
    })
    void reply
      .headers({ ...PAGE_HEADERS, 'cache-control': 'private, no-cache' })
      .header('content-type', 'text/html; charset=utf-8')
      .send(page)
  }
}
