import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** What is read when /metrics is asked. */
export interface Gauges {
  readonly queueRows: () => number
  readonly logBytes: () => number
  readonly unsentSegments: () => number
  readonly droppedRecords: () => number
  readonly revisions: () => readonly { deployment: string; revision: number }[]
}

/** What /metrics shows, in Prometheus' own names. */
export class Metrics {
  readonly registry = new Registry()

  private readonly latency = new Histogram({
    name: 'mlforge_predict_duration_seconds',
    help: 'Time from the arrival of a predict request to its answer, for each version that answered rows of it.',
    labelNames: ['deployment', 'version'],
    buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [this.registry],
  })

  private readonly rows = new Counter({
    name: 'mlforge_predict_rows_total',
    help: 'Scored rows; a row that shadows score too counts for each of them.',
    labelNames: ['deployment', 'version', 'role'],
    registers: [this.registry],
  })

  private readonly lost = new Counter({
    name: 'mlforge_predict_shadow_rows_lost_total',
    help: 'Rows that a shadow should have scored and did not.',
    labelNames: ['deployment', 'version'],
    registers: [this.registry],
  })

  private readonly errors = new Counter({
    name: 'mlforge_predict_errors_total',
    help: 'Refused and failed predict requests, by error code.',
    labelNames: ['deployment', 'code'],
    registers: [this.registry],
  })

  constructor(gauges: Gauges) {
    collectDefaultMetrics({ register: this.registry })
    this.gauge('mlforge_predict_queue_rows', 'Rows that wait to be scored.', gauges.queueRows)
    this.gauge('mlforge_prediction_log_bytes', 'Bytes of the log that were not sent yet.', gauges.logBytes)
    this.gauge('mlforge_prediction_log_unsent_segments', 'Sealed segments to be sent.', gauges.unsentSegments)
    this.gauge(
      'mlforge_prediction_log_dropped_records',
      'Records that were not logged since the start, for want of disk.',
      gauges.droppedRecords,
    )
    new Gauge({
      name: 'mlforge_plan_revision',
      help: 'Revision of the plan that answers.',
      labelNames: ['deployment'],
      registers: [this.registry],
      collect() {
        this.reset()
        for (const { deployment, revision } of gauges.revisions()) this.set({ deployment }, revision)
      },
    })
  }

  countRows(
    deployment: string,
    rows: readonly { readonly loaded: { readonly version: number }; readonly role: string }[],
  ): void {
    let from = 0
    for (let i = 1; i <= rows.length; i++) {
      const { loaded, role } = rows[from]!
      if (rows[i]?.loaded === loaded && rows[i]?.role === role) continue
      this.rows.inc({ deployment, version: loaded.version, role }, i - from)
      from = i
    }
  }

  countShadows(deployment: string, version: number, scored: number, lost: number): void {
    if (scored > 0) this.rows.inc({ deployment, version, role: 'shadow' }, scored)
    if (lost > 0) this.lost.inc({ deployment, version }, lost)
  }

  answered(deployment: string, versions: Iterable<number>, seconds: number): void {
    for (const version of versions) this.latency.observe({ deployment, version }, seconds)
  }

  refused(deployment: string, code: string): void {
    this.errors.inc({ deployment, code })
  }

  private gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(value())
      },
    })
  }
}
