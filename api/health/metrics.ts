import { Inject, Injectable } from '@nestjs/common'
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { RunWakes } from '../../stores/redis/wake.js'
import { LabelStore } from '../../stores/postgres/label-store.js'
import { Database } from '../platform/database.js'

/** What /metrics shows, in Prometheus' own names. */
@Injectable()
export class Metrics {
  readonly registry = new Registry()

  private readonly requests = new Histogram({
    name: 'mlforge_http_request_duration_seconds',
    help: 'Time to the end of the answer, by route pattern.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [this.registry],
  })

  constructor(
    @Inject(Database) database: Database,
    @Inject(RunWakes) wakes: RunWakes,
    @Inject(LabelStore) labels: LabelStore,
  ) {
    collectDefaultMetrics({ register: this.registry })
    new Gauge({
      name: 'mlforge_runs',
      help: 'Runs by kind and status.',
      labelNames: ['kind', 'status'],
      registers: [this.registry],
      async collect() {
        this.reset()
        for (const { kind, status, count } of await countRuns(database)) this.set({ kind, status }, count)
      },
    })
    new Gauge({
      name: 'mlforge_labels_unmatched',
      help: 'Labels whose prediction is not there: held, or unknown after the hold time.',
      labelNames: ['project', 'deployment', 'state'],
      registers: [this.registry],
      async collect() {
        this.reset()
        for (const { project, deployment, held, unknown } of await orNone(database, () =>
          labels.unmatched(),
        )) {
          this.set({ project, deployment, state: 'held' }, held)
          this.set({ project, deployment, state: 'unknown' }, unknown)
        }
      },
    })
    new Gauge({
      name: 'mlforge_redis_failures_total',
      help: 'Wake-ups through Redis that failed; runs are polled instead.',
      registers: [this.registry],
      collect() {
        this.set(wakes.failures)
      },
    })
  }

  observe(method: string, route: string, status: number, seconds: number): void {
    this.requests.observe({ method, route, status }, seconds)
  }
}

type RunCount = { kind: string; status: string; count: number }

function countRuns(database: Database): Promise<RunCount[]> {
  return orNone(database, () =>
    database.dataSource.query('SELECT kind, status, count(*)::int AS count FROM runs GROUP BY kind, status'),
  )
}

/** Empty while the database is away: the other numbers are worth having then above all. */
async function orNone<T>(database: Database, count: () => Promise<T[]>): Promise<T[]> {
  try {
    database.assertReady()
    return await count()
  } catch {
    return []
  }
}
