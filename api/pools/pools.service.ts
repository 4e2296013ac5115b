import { Inject, Injectable } from '@nestjs/common'
import type { Page, PageQuery } from '../../contracts/rest/common.js'
import type { Pool, PoolClaim, PutPool } from '../../contracts/rest/pools.js'
import type { Pool as PoolRow, PoolClaim as ClaimRow } from '../../stores/postgres/entities/pool.js'
import { PoolStore, type PoolUse } from '../../stores/postgres/pool-store.js'
import { RunWakes } from '../../stores/redis/wake.js'
import { mapPage } from '../http/paging.js'
import { assertName } from '../http/params.js'
import type { Principal } from '../http/request.js'

const UNUSED: PoolUse = { held: 0, queued: 0 }

@Injectable()
export class PoolsService {
  constructor(
    @Inject(PoolStore) private readonly pools: PoolStore,
    @Inject(RunWakes) private readonly wakes: RunWakes,
  ) {}

  async put({ project }: Principal, name: string, { slots, description }: PutPool): Promise<Pool> {
    assertName('pool', name)
    const { pool, granted } = await this.pools.put(project, name, { slots, description: description ?? null })
    for (const runId of granted) this.wakes.publish(runId)
    return this.view(pool)
  }

  async get({ project }: Principal, name: string): Promise<Pool> {
    return this.view(await this.pools.get(project, name))
  }

  async list({ project }: Principal, query: PageQuery): Promise<Page<Pool>> {
    const page = await this.pools.list(project, query)
    const names = page.items.map(({ name }) => name)
    const use = await this.pools.use(project, names)
    return mapPage(page, pool => poolView(pool, use.get(pool.name) ?? UNUSED))
  }

  async claims(
    { project }: Principal,
    name: string,
    query: PageQuery & { readonly state?: 'held' | 'queued' },
  ): Promise<Page<PoolClaim>> {
    await this.pools.get(project, name)
    const page = await this.pools.claims(project, name, query)
    const waiting = page.items.filter(({ grantedAt }) => grantedAt === null)
    const positions = await this.pools.positions(project, name, waiting)
    return mapPage(page, claim => claimView(claim, positions.get(`${claim.runId}/${claim.step}`) ?? null))
  }

  async remove({ project }: Principal, name: string): Promise<void> {
    await this.pools.remove(project, name)
  }

  private async view(pool: PoolRow): Promise<Pool> {
    const use = await this.pools.use(pool.project, [pool.name])
    return poolView(pool, use.get(pool.name) ?? UNUSED)
  }
}

function poolView(pool: PoolRow, { held, queued }: PoolUse): Pool {
  const { name, slots, description, createdAt, updatedAt } = pool
  return {
    name,
    slots,
    description,
    held,
    queued,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  }
}

function claimView(claim: ClaimRow, position: number | null): PoolClaim {
  const { runId, step, generation, slots, priority, parked, askedAt, grantedAt } = claim
  return {
    state: grantedAt === null ? 'queued' : 'held',
    run: runId,
    step,
    generation,
    slots,
    priority,
    position: grantedAt === null ? position : null,
    parked,
    askedAt: askedAt.toISOString(),
    grantedAt: grantedAt?.toISOString() ?? null,
  }
}
